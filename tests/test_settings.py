"""Settings from the environment, and what is said about a bad one."""

from __future__ import annotations

import pytest

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
    ],
)
def test_a_bad_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=message) as caught:
        Settings.load()
    assert "docs/settings.md" in caught.value.hint
