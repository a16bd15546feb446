"""Settings from the environment, and what is said about a bad one."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rag.errors import SettingsError
from rag.settings import Settings


def test_defaults_need_no_environment() -> None:
    assert Settings.load() == Settings()


def test_a_variable_sets_one_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_RETRIEVER__TOP_K", "5")
    monkeypatch.setenv("RAG_PAGE__TRUSTED_HOSTS", '["example.org"]')
    loaded = Settings.load()
    assert loaded.retriever.top_k == 5
    assert loaded.retriever.candidates == Settings().retriever.candidates
    assert loaded.page.trusted_hosts == ("example.org",)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("RAG_RETRIEVER__TOP_K", "0", "RAG_RETRIEVER__TOP_K: .*greater than or equal to 1"),
        ("RAG_RETRIEVER__TOP_K", "many", "RAG_RETRIEVER__TOP_K: .*integer"),
        ("RAG_RETRIEVER__TPK", "3", "RAG_RETRIEVER__TPK: "),
        ("RAG_PAGE", "{", "page"),
        (
            "RAG_MODELS__GENERATOR",
            "http://127.0.0.1/v1",
            "RAG_MODELS: .*RAG_MODELS__GENERATOR_MODEL",
        ),
        ("RAG_MODELS__EMBEDDER", "https://x/v1", "RAG_MODELS: .*set RAG_MODELS__EMBEDDER_MODEL"),
        ("RAG_MODELS__GENERATOR", "http://", "RAG_MODELS__GENERATOR is not an address"),
        ("RAG_MODELS__GENERATOR", "http://h:99999/v1", "RAG_MODELS__GENERATOR is not an address"),
        ("RAG_MODELS__GENERATOR", "http://h/v1?key=1", "RAG_MODELS__GENERATOR is not an address"),
        ("RAG_MODELS__GENERATOR", "http://u:pass@h/v1", "holds a password"),
        ("RAG_MODELS__EMBEDDER", "/models/e.gguf", "only a generator can be one"),
        ("RAG_MODELS__API_KEY", "sk-1\nsk-2", "RAG_MODELS__API_KEY has characters"),
        ("RAG_MODELS__TIMEOUT", "0", "RAG_MODELS__TIMEOUT: .*greater than 0"),
    ],
)
def test_a_bad_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=message) as caught:
        Settings.load()
    assert "docs/settings.md" in caught.value.hint
    assert "sk-1" not in caught.value.message
    assert "pass@" not in caught.value.message


def test_addresses_and_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("GENERATOR", "http://127.0.0.1:8080/v1"),
        ("GENERATOR_MODEL", "small"),
        ("API_KEY", "sk-1"),
        ("QUERY_PREFIX", "query: "),
        ("PASSAGE_PREFIX", ""),
    ):
        monkeypatch.setenv(f"RAG_MODELS__{name}", value)
    models = Settings.load().models
    assert (models.query_prefix, models.passage_prefix) == ("query: ", "")
    assert models.api_key.get_secret_value() == "sk-1"
    assert "sk-1" not in f"{models!r} {models} {models.model_dump_json()} {models.model_dump()}"


def test_an_impossible_value_is_not_repeated_where_it_may_be_a_secret() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(models={"api_key": "sk 1"})  # type: ignore[arg-type]
    assert "sk 1" not in str(caught.value)
