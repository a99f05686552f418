import json
from pathlib import Path

import onnx
import pytest
from onnx import helper

from builder.families.inspect import Inspection
from tests import zoo
from tests.builder.cli.invoke import invoke
from tests.builder.models import external_model, yolo_model
from tests.paths import ROOT


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return yolo_model(tmp_path / "best.onnx")


def test_inspect_shows_tensors_metadata_and_family(model: Path) -> None:
    status, out, err = invoke("inspect", model)
    assert (status, err) == (0, "")
    for words in (
        "ONNX, opset 17",
        "images [1, 3, 64, 64] float32",
        "output0 [1, 7, 84] float32",
        "names: {0: 'cat', 1: 'dog', 2: 'bird'}",
        "YOLOv8, 9, 11, 12: boxes (certain)",
        "gpu: ONNX Runtime CUDA",
    ):
        assert words in out


def test_inspect_json_has_one_object_per_line(model: Path, tmp_path: Path) -> None:
    external = external_model(tmp_path / "big.onnx", "big.data")
    status, out, _ = invoke("inspect", "--json", model, external)
    assert status == 0
    one, other = (json.loads(line) for line in out.splitlines())
    assert one["family"] == "YOLOv8, 9, 11, 12: boxes"
    assert one["sureness"] == "certain"
    assert one["classes"] == 3
    assert one["inputs"] == [{"name": "images", "shape": [1, 3, 64, 64], "dtype": "float32"}]
    assert one["candidates"][0]["decoder"] == "yolo"
    assert set(other["files"]) == {"big.onnx", "big.data"}
    assert one["ran"] is False


def test_inspect_runs_a_model_only_with_the_option(tmp_path: Path) -> None:
    model = zoo.classifier_softmax(tmp_path / "m.onnx")
    assert json.loads(invoke("inspect", "--json", model)[1])["sureness"] == "unsure"
    found = json.loads(invoke("inspect", "--json", "--run", model)[1])
    assert (found["sureness"], found["ran"]) == ("likely", True)


def test_inspect_names_unsupported_operations(tmp_path: Path) -> None:
    model = zoo.end2end(tmp_path / "m.onnx")
    proto = onnx.load(model)
    proto.graph.node.append(helper.make_node("EfficientNMS_TRT", ["t0"], ["z"], domain="TRT"))
    onnx.save_model(proto, model)
    assert "no runtime has the operations of TRT" in invoke("inspect", model)[1]


def test_inspect_shows_readable_models_beside_errors(model: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    status, out, err = invoke("inspect", bad, model)
    assert status == 1
    assert out.startswith(f"{model}\n")
    assert f"error: {bad}" in err


def test_rivals_follow_the_best_match(tmp_path: Path) -> None:
    text = Inspection.of(zoo.logits_and_boxes(tmp_path / "m.onnx"), run=False).as_text()
    *_, best, _, _, rival, _, _ = text.split("  variants ")[0].splitlines()
    assert best == "  family    DETR (unsure)"
    assert rival == "            or RT-DETR, D-FINE (transformers)"


def test_an_unknown_family_is_called_so(tmp_path: Path) -> None:
    net = zoo.image()
    net.give("mystery", net.known([1.0, 2.0]), (2,))
    found = Inspection.of(net.save(tmp_path / "m.onnx"), run=False)
    assert "\n  family    unknown\n" in found.as_text()
    assert json.loads(found.as_json())["family"] is None


def test_duplicate_labels_in_the_metadata_are_shown(tmp_path: Path) -> None:
    names = {"names": "{0: 'a', 1: 'b', 2: 'a'}"}
    found = Inspection.of(zoo.yolov8(tmp_path / "m.onnx", metadata=names), run=False)
    assert "\n            - duplicate label 'a'\n" in found.as_text()
    assert json.loads(found.as_json())["label_problems"] == ["duplicate label 'a'"]


def test_long_metadata_are_shortened(tmp_path: Path) -> None:
    metadata = {f"key{number:02}": "x" * 200 for number in range(30)}
    found = Inspection.of(zoo.yolov8(tmp_path / "m.onnx", metadata=metadata), run=False)
    assert "\n            and 6 more entries\n" in found.as_text()
    listed = json.loads(found.as_json())
    assert (len(listed["metadata"]), listed["metadata_entries"]) == (24, 30)
    assert max(map(len, listed["metadata"].values())) == 90


@pytest.mark.parametrize(
    ("size", "text"),
    [(1023, "1023 bytes"), (1536, "1.5 KiB"), (2**20, "1.0 MiB"), (2**31, "2.0 GiB")],
)
def test_sizes_have_units(tmp_path: Path, size: int, text: str) -> None:
    file = zoo.yolov8(tmp_path / "m.onnx")
    found = Inspection.of(file, run=False)
    with file.open("r+b") as stream:
        stream.truncate(size)
    assert f"; {text}\n" in found.as_text()


def test_the_hint_for_a_model_of_no_family_names_what_belongs_to_it() -> None:
    encoder = ROOT / "manifests" / "models" / "sam-demo-encoder.onnx"
    _, out, _ = invoke("inspect", encoder)
    assert "pass an encoder and its decoder together" in out
