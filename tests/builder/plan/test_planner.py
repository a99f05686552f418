import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.diagnostics.errors import ManifestError
from builder.lint.examine import plan
from tests.builder.conftest import WriteManifest, failure
from tests.builder.model.test_download import CONTENT, DIGEST, Server
from tests.builder.plan.conftest import (
    NUMBER,
    Planned,
    Refused,
    seconds,
    weights_in_files,
)


def test_problems_of_all_parts_are_reported_together(refused: Refused) -> None:
    found = refused(
        labels=["a", "a", "c"], preprocess=[], postprocess=["yolo_objectness", "rectangle"]
    )
    assert {problem.place.split("[")[0] for problem in found} >= {"labels", "preprocess"}


@pytest.mark.parametrize(
    "model", ["absent.onnx", "best.pt", "folder.onnx", "~nobody-here/m.onnx", "x" * 300 + ".onnx"]
)
def test_an_unusable_model_file_is_reported(refused: Refused, tmp_path: Path, model: str) -> None:
    (tmp_path / "folder.onnx").mkdir()
    (problem,) = refused(model=model)
    assert (problem.place, problem.line, problem.column) == ("model", 3, 1)


def test_an_invalid_manifest_has_no_plan(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("name: boxes\n")
    assert isinstance(failure(lambda: plan(tmp_path / "m.yaml")), ManifestError)


def test_models_with_weights_of_the_same_file_name_are_reported(
    refused: Refused, tmp_path: Path
) -> None:
    weights_in_files(tmp_path, "weights.data", "weights.data")
    (problem,) = refused(model="a/model.onnx", then=seconds(NUMBER, model="b/model.onnx"))
    assert problem.place == "then[0].model"
    assert "weights.data" in f"{problem.what} {problem.found}"


def test_weights_with_the_file_name_of_another_model_are_reported(
    refused: Refused, tmp_path: Path
) -> None:
    weights_in_files(tmp_path, "then-1.onnx", "weights.data")
    found = refused(model="a/model.onnx", then=seconds(NUMBER, model="b/model.onnx"))
    assert "then-1.onnx" in f"{found[0].what} {found[0].found}"


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("CVATBUILD_CACHE", str(folder))
    # A proxy of the machine's has no business with 127.0.0.1.
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return folder


def kept_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_missing_checksum_is_reported_with_the_right_one_and_nothing_is_cached(
    refused: Refused, server: Server, cache: Path
) -> None:
    url = f"{server.base}/model.onnx"
    (problem,) = refused(model={"url": url})
    assert (problem.place, problem.line) == ("model.sha256", 3)
    assert url in problem.what
    assert f"`sha256: {hashlib.sha256(CONTENT).hexdigest()}`" in problem.hint
    assert server.requests == ["/model.onnx"]
    assert kept_in(cache) == []


def test_the_reported_checksum_is_accepted(
    refused: Refused, planned: Planned, server: Server, cache: Path, model_file: Path
) -> None:
    server.files["/boxes.onnx"] = model_file.read_bytes()
    model = {"url": f"{server.base}/boxes.onnx"}
    reported = refused(model=model)[0].hint.split("sha256: ")[1].rstrip("`")
    found = planned(model={**model, "sha256": reported})
    assert found.models[0].digest == reported
    assert kept_in(cache) == [cache / reported / "boxes.onnx"]


def test_a_missing_checksum_of_weights_is_reported_with_the_right_one(
    refused: Refused, server: Server, cache: Path
) -> None:
    server.files["/model.xml"] = b"<net/>"
    weights = {"url": f"{server.base}/model.onnx"}
    digest = hashlib.sha256(b"<net/>").hexdigest()
    url = f"{server.base}/model.xml"
    (problem,) = refused(model={"url": url, "sha256": digest, "weights": weights})
    assert weights["url"] in problem.what
    assert DIGEST in problem.hint
    assert [path.name for path in kept_in(cache)] == ["model.xml"]


def test_a_missing_checksum_of_a_second_model_is_reported_at_its_path(
    refused: Refused, server: Server, cache: Path
) -> None:
    url = f"{server.base}/model.onnx"
    (problem,) = refused(then=seconds(NUMBER, model={"url": url}))
    assert problem.place == "then[0].model.sha256"
    assert DIGEST in problem.hint
    assert kept_in(cache) == []


def test_a_failed_download_is_reported_without_a_checksum(
    write_manifest: WriteManifest, server: Server, cache: Path
) -> None:
    manifest = write_manifest(model={"url": f"{server.base}/absent.onnx"})
    error = failure(lambda: plan(manifest))
    assert error.problems[0].code == "download-failed"
    assert "Not Found" in error.problems[0].what
    assert "sha256" not in error.problems[0].hint
    assert kept_in(cache) == []
