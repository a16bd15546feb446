"""What every test runs under: no network but loopback, and the real models on request."""

from __future__ import annotations

import os

# Before anything imports the libraries that read them.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from rag.embedder import SentenceEmbedder
from rag.errors import ModelError
from rag.generator import TransformersGenerator
from rag.settings import GeneratorSettings, ModelSettings


class NetworkBlocked(RuntimeError):
    """A test tried to leave this machine."""


def is_loopback(address: Any) -> bool:
    """Say whether a socket address stays on this machine; anything but TCP/IP does."""
    if not isinstance(address, tuple):
        return True
    host = address[0]
    if host in ("", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture
def no_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plan training rows without the documents of our own, which go with any folder."""
    monkeypatch.setattr("training.plan.documents", lambda kept: {})


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Refuse connections and name look-ups beyond loopback, in every test and fixture."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex", "sendto"):
        patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        if host is not None and not is_loopback((host,)):
            raise NetworkBlocked(f"a test looked up {host!r}; tests may only use loopback")
        return resolve(host, *rest, **named)

    patch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    patch.undo()


def _guarded(method: Any) -> Any:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        # The address comes last in connect(address) and sendto(data, flags?, address).
        if self.family != getattr(socket, "AF_UNIX", None) and not is_loopback(arguments[-1]):
            raise NetworkBlocked(
                f"a test connected to {arguments[-1]}; tests may only use loopback"
            )
        return method(self, *arguments)

    return guarded


@pytest.fixture(scope="session")
def embedder() -> SentenceEmbedder:
    """The real built-in embedder."""
    try:
        return SentenceEmbedder.open(ModelSettings())
    except ModelError as error:
        pytest.fail(f"{error.message}; {error.hint}", pytrace=False)


@pytest.fixture(scope="session")
def generator() -> TransformersGenerator:
    """The real built-in generator, from the user's cache."""
    try:
        return TransformersGenerator.open(ModelSettings(), GeneratorSettings())
    except ModelError as error:
        pytest.fail(f"{error.message}; {error.hint}", pytrace=False)
