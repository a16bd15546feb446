"""Every setting, as data: one frozen class a stage, each field with its unit and bounds.

Values come from the code that calls `Settings(...)`, else from the environment
(`RAG_RETRIEVER__TOP_K=5`), else from the defaults here. This module builds no models and opens no
files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSetting

from rag.errors import SettingsError

SETTINGS_HINT = "docs/settings.md lists every setting with its bounds"
DEFAULT_EMBEDDER = "all-MiniLM-L6-v2"
DEFAULT_GENERATOR = "SmolLM2-135M-Instruct"


def is_address(name: str) -> bool:
    """Tell the address of a server from the name or the folder of a model."""
    return name.lower().startswith(("http://", "https://"))


def _check_address(variable: str, value: str) -> None:
    """Raise ValueError for an address that cannot be one, or that holds a secret."""
    try:
        parts = urlsplit(value)
        whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or parts.query or parts.fragment:
        raise ValueError(f"{variable} is not an address such as http://127.0.0.1:8080/v1")
    if parts.username or parts.password:
        raise ValueError(f"{variable} holds a password; set RAG_MODELS__API_KEY instead")


class Stage(BaseModel):
    """A group of settings for one stage; frozen, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ModelSettings(Stage):
    """Which models, and where they live."""

    embedder: str = Field(
        DEFAULT_EMBEDDER,
        description="Embedder: the built-in name, a Hugging Face id, a local folder, or the "
        "address of an OpenAI-compatible server (`http://127.0.0.1:11434/v1`).",
    )
    embedder_model: str = Field("", description="What that server calls the embedder.")
    query_prefix: str | None = Field(
        None, description="Put before a question to embed it; unset: what the model's files say."
    )
    passage_prefix: str | None = Field(
        None, description="Put before a passage to embed it; unset: what the model's files say."
    )
    generator: str = Field(
        DEFAULT_GENERATOR,
        description="Generator: the built-in name, a Hugging Face id, a local folder, a `.gguf` "
        "file, or the address of an OpenAI-compatible server.",
    )
    generator_model: str = Field("", description="What that server calls the generator.")
    api_key: SecretStr = Field(
        SecretStr(""), description="Key sent to these servers, as a bearer token; never printed."
    )
    timeout: float = Field(
        60.0, gt=0, le=3_600, description="Longest a server may take for one reply (seconds)."
    )
    max_wait: float = Field(
        10.0,
        ge=0,
        le=600,
        description="Longest wait for a server that asks to come back later (seconds).",
    )
    cache: Path = Field(
        default_factory=lambda: Path(platformdirs.user_cache_dir("rag", appauthor=False)),
        description="Folder that keeps converted models.",
    )
    threads: int = Field(0, ge=0, le=256, description="CPU threads for the models; 0: all cores.")

    @model_validator(mode="after")
    def _served(self) -> ModelSettings:
        """Check what only matters together: an address, its model and the key."""
        for role in ("embedder", "generator"):
            value: str = getattr(self, role)
            if is_address(value):
                _check_address(f"RAG_MODELS__{role.upper()}", value)
                if not getattr(self, f"{role}_model"):
                    raise ValueError(
                        f"an address needs a model: set RAG_MODELS__{role.upper()}_MODEL"
                    )
        if self.embedder.lower().endswith(".gguf"):
            raise ValueError("RAG_MODELS__EMBEDDER is a .gguf file; only a generator can be one")
        key = self.api_key.get_secret_value()
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ValueError("RAG_MODELS__API_KEY has characters that no key has")
        return self


class PassageSettings(Stage):
    """How a document is cut into passages."""

    min_chars: int = Field(
        200, ge=1, le=10_000, description="A shorter paragraph is joined to the next (characters)."
    )
    max_chars: int = Field(
        1_000, ge=100, le=20_000, description="A longer one is split at sentences (characters)."
    )


class IndexSettings(Stage):
    """Where named indexes are kept."""

    collections: Path = Field(
        default_factory=lambda: (
            Path(platformdirs.user_data_dir("rag", appauthor=False)) / "collections"
        ),
        description="Folder of the collections (`--collection NAME`), one folder each.",
    )


class RetrieverSettings(Stage):
    """How passages are found."""

    top_k: int = Field(10, ge=1, le=100, description="Passages handed to the reader.")
    hop_from: int = Field(
        2, ge=0, le=10, description="Best passages from whose words a second search starts."
    )
    hop_hits: int = Field(
        3, ge=0, le=50, description="Of the passages, at most so many from the second search."
    )
    candidates: int = Field(50, ge=1, le=1_000, description="Candidates taken from each search.")
    rrf_k: int = Field(10, ge=1, le=1_000, description="The constant of reciprocal rank fusion.")
    dense_weight: float = Field(1.0, ge=0, le=10, description="Weight of the dense ranking.")
    lexical_weight: float = Field(1.0, ge=0, le=10, description="Weight of the BM25 ranking.")
    furniture_weight: float = Field(
        0.5, ge=0, le=1, description="Factor on the score of furniture and credits."
    )
    min_score: float = Field(0.0, ge=0, le=1, description="Hits with a lower score are dropped.")


class ReaderSettings(Stage):
    """How evidence is picked out of the passages, and when there is none."""

    trained: bool = Field(
        True, description="Use the trained reader that ships with the package, where it is there."
    )
    max_evidence: int = Field(3, ge=1, le=10, description="Sentences handed to the generator.")
    min_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Evidence below this share of the best one's score is left out.",
    )
    min_answerable: float = Field(
        0.5, ge=0, le=1, description="Below this probability of an answer, abstain."
    )


class GeneratorSettings(Stage):
    """How the language model writes."""

    max_prompt_tokens: int = Field(
        512, ge=64, le=32_000, description="Tokens of the whole prompt; evidence is cut to fit."
    )
    max_new_tokens: int = Field(48, ge=1, le=2_048, description="Tokens of a draft at most.")
    temperature: float = Field(0.0, ge=0, le=2, description="0 is greedy and deterministic.")
    seed: int = Field(0, ge=0, description="Seed when the temperature is above 0.")
    adapter: bool = Field(
        True,
        description="Use the adapter that ships for the built-in generator, where it is there.",
    )


class VerifierSettings(Stage):
    """When a drafted sentence counts as supported by the span it cites."""

    min_coverage: float = Field(
        0.9, ge=0, le=1, description="Share of its content words found in the span or question."
    )
    min_support: float = Field(
        0.9,
        ge=0,
        le=1,
        description="Probability, by the trained reader, that the span supports it.",
    )


class PageSettings(Stage):
    """The chat page."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(7860, ge=1, le=65_535, description="Port to listen on.")
    trusted_hosts: tuple[str, ...] = Field(
        ("127.0.0.1", "localhost", "[::1]"), description="Host headers that are answered."
    )
    max_question_chars: int = Field(2_000, ge=1, le=100_000, description="Longest question.")
    max_upload_mb: int = Field(20, ge=1, le=1_000, description="Largest upload (megabytes).")
    max_uploads: int = Field(50, ge=0, le=10_000, description="Files one visitor may add; 0: none.")
    max_visitor_mb: int = Field(
        200, ge=1, le=100_000, description="All files of one visitor together (megabytes)."
    )
    max_visitors: int = Field(
        32, ge=1, le=10_000, description="Visitors with files of their own at the same time."
    )
    upload_types: tuple[str, ...] = Field(
        (
            ".csv", ".docx", ".eml", ".epub", ".htm", ".html", ".json", ".jsonl", ".md",
            ".pdf", ".pptx", ".rst", ".tsv", ".txt", ".xlsx",
        ),
        description="Endings of the names of files that may be added.",
    )  # fmt: skip
    idle_minutes: float = Field(
        60, gt=0, le=10_000, description="Unused for so long, a visitor's files are deleted."
    )
    data: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("rag", appauthor=False)),
        description="Folder that keeps what visitors thought of answers (`feedback.jsonl`).",
    )
    queue_size: int = Field(16, ge=1, le=1_000, description="Questions that may wait.")


class ServerSettings(Stage):
    """What other programs may ask of `rag serve`, and how much at once."""

    api_key: SecretStr | None = Field(
        None,
        min_length=8,
        description="Programs must send it as `Authorization: Bearer KEY`; none: no key is asked "
        "for. The page knows no key.",
    )
    changes: Literal["auto", "allow", "forbid"] = Field(
        "auto",
        description="Whether programs may upload and delete documents (`allow`, `forbid`); "
        "`auto`: when listening on loopback only, or when a key is set.",
    )
    uploads: Path | None = Field(
        None, description="Folder that keeps uploaded files; none: `uploads/` in the index."
    )
    max_upload_mb: int = Field(
        50, ge=1, le=10_000, description="Largest upload, all its files together (megabytes)."
    )
    max_files: int = Field(100, ge=1, le=10_000, description="Files of one upload.")
    max_running: int = Field(
        2, ge=1, le=64, description="Questions worked on at once; drafts are written one by one."
    )
    max_waiting: int = Field(16, ge=0, le=1_000, description="Questions that may wait.")
    keep_alive: float = Field(
        10.0, ge=0.05, le=600, description="A silent stream sends a comment this often (seconds)."
    )
    access_log: bool = Field(
        True, description="Write a line for each request of a program to standard error."
    )


class Settings(BaseSettings):
    """All of it."""

    model_config = SettingsConfigDict(
        env_prefix="RAG_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    models: ModelSettings = ModelSettings()
    passages: PassageSettings = PassageSettings()
    index: IndexSettings = IndexSettings()
    retriever: RetrieverSettings = RetrieverSettings()
    reader: ReaderSettings = ReaderSettings()
    generator: GeneratorSettings = GeneratorSettings()
    verifier: VerifierSettings = VerifierSettings()
    page: PageSettings = PageSettings()
    server: ServerSettings = ServerSettings()

    @classmethod
    def load(cls) -> Settings:
        """Read the environment; raise SettingsError naming the variable and what it may be."""
        try:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = "RAG_" + "__".join(str(part).upper() for part in first["loc"])
            what = first["msg"].removeprefix("Value error, ")
            raise SettingsError(f"{name}: {what}", hint=SETTINGS_HINT) from None
        except UnreadableSetting as error:
            raise SettingsError(str(error), hint=SETTINGS_HINT) from None
