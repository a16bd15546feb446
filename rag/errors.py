"""The errors a caller of `rag` can meet, all under one root.

RagError
├── SettingsError         a setting has an impossible value
├── SourceError           a source file cannot be read as a document
│   ├── SourceMissing     the path does not exist
│   ├── FormatUnknown     no loader recognises the file's content
│   └── SourceEmpty       nothing readable was found in the sources
├── QuestionError         the question is empty or too long
├── ModelError            a model cannot be used
│   ├── ModelMissing      it is not here, or not on its server; the hint says how to get it
│   ├── ModelDamaged      its files do not match their checksum
│   └── EndpointError     its server answers with an error, or with what is no reply
│       ├── EndpointUnreachable  there is no connection, or it broke off
│       ├── EndpointTimeout      the server took longer than the set time
│       ├── EndpointBusy         the server asks for a longer wait than the set one
│       └── EndpointDenied       the server does not accept the key
├── StoreError            the index cannot be used
│   ├── IndexMissing      there is no index at that place
│   ├── IndexDamaged      the index does not pass its own checks
│   ├── IndexBusy         another process is writing it
│   ├── EmbedderMismatch  it was built with another embedder
│   ├── CollectionNameError  a collection cannot have this name
│   └── CollectionMissing    there is no collection of this name
└── ServerError           the server does not do what a program asked
    ├── KeyMissing        the request does not carry the server's key
    ├── ChangesForbidden  documents may be neither added nor deleted here
    ├── DocumentMissing   the index holds no document of that id
    ├── QueueFull         too many questions wait already
    └── NotReady          the models are not loaded, or the index is not open

"The documents do not say" is not an error: it is an `Answer` with `abstained` set.
Errors are printed only at the edges (command line, page, server).
"""

from __future__ import annotations


class RagError(Exception):
    """Carry one line for a person, and a hint that says what to do about it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SettingsError(RagError):
    """A setting has an impossible value."""


class SourceError(RagError):
    """A source file cannot be read as a document."""


class SourceMissing(SourceError):
    """The path does not exist."""


class FormatUnknown(SourceError):
    """No loader recognises the file's content."""


class SourceEmpty(SourceError):
    """Nothing readable was found in the sources."""


class QuestionError(RagError):
    """The question is empty or too long."""


class ModelError(RagError):
    """A model cannot be used."""


class ModelMissing(ModelError):
    """The model's files are not on this machine, or its server has no such model."""


class ModelDamaged(ModelError):
    """The model's files do not match their checksum."""


class EndpointError(ModelError):
    """A model's server answers with an error, or with what is no reply."""


class EndpointUnreachable(EndpointError):
    """There is no connection to the model's server, or it broke off."""


class EndpointTimeout(EndpointError):
    """The model's server took longer than the set time."""


class EndpointBusy(EndpointError):
    """The model's server asks for a longer wait than the set one."""


class EndpointDenied(EndpointError):
    """The model's server does not accept the key."""


class StoreError(RagError):
    """The index cannot be used."""


class IndexMissing(StoreError):
    """There is no index at that place."""


class IndexDamaged(StoreError):
    """The index does not pass its own checks."""


class IndexBusy(StoreError):
    """Another process is writing the index."""


class EmbedderMismatch(StoreError):
    """The index was built with another embedder."""


class CollectionNameError(StoreError):
    """A collection cannot have this name."""


class CollectionMissing(StoreError):
    """There is no collection of this name."""


class ServerError(RagError):
    """The server does not do what a program asked."""


class KeyMissing(ServerError):
    """The request does not carry the server's key."""


class ChangesForbidden(ServerError):
    """Documents may be neither added nor deleted here."""


class DocumentMissing(ServerError):
    """The index holds no document of that id."""


class QueueFull(ServerError):
    """Too many questions wait already."""


class NotReady(ServerError):
    """The models are not loaded yet, or the index is not open."""
