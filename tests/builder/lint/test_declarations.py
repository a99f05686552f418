"""Files that declare other outputs than they give: init, check, build, predict, by what is real."""

from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto

from builder.cli.terminal import Progress
from builder.families.init import draft_manifest, write_manifest
from builder.families.inspect import Inspection
from builder.lint.check import check
from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS
from builder.model.file import read
from builder.targets.build import build
from tests import zoo
from tests.builder.conftest import failure, png
from tests.local_function import LocalFunction
from tests.openvino_models import save_ir
from tests.zoo import BOX, CELLS, CENTER, SCORE

Sizes = Sequence[int | str] | None


def declare(path: Path, shape: Sizes) -> Path:
    """Let an ONNX file declare a shape of its first output; None for none at all."""
    proto = onnx.load(path)
    kind = proto.graph.output[0].type.tensor_type
    kind.ClearField("shape")
    if shape is not None:
        kind.shape.SetInParent()
    for size in shape or ():
        if isinstance(size, int):
            kind.shape.dim.add().dim_value = size
        else:
            kind.shape.dim.add().dim_param = size
    onnx.save_model(proto, path)
    return path


def hidden(path: Path) -> Path:
    """YOLOv8's rows in a shape that the graph computes from its image: only a run shows it."""
    net = zoo.image()
    rows = np.zeros((1, 7, CELLS), np.float32)
    rows[0, :4, 0], rows[0, 5, 0] = CENTER, SCORE
    sizes = net("Cast", net.known([1, 7, CELLS]), to=TensorProto.INT64)
    net.give("output0", net("Reshape", net.known(rows), sizes), (1, 7, CELLS))
    return net.save(path, zoo.ultralytics("detect"))


# Really [1, 7, 84]: three classes over the cells of an image of 64 x 64.
DECLARED: dict[str, Sizes] = {
    "turned": (1, CELLS, 7),
    "a class more": (1, 8, CELLS),
    "a class less": (1, 6, CELLS),
    "of another image": (1, 7, 8400),
    "finished rows": (1, 300, 6),
    "letters": ("batch", "channels", "anchors"),
    "an axis less": (7, CELLS),
    "an axis more": (1, 1, 7, CELLS),
    "numbers that are no sizes": (-1, 0, CELLS),
    "nothing": None,
}
WRONG = set(DECLARED) - {"letters", "numbers that are no sizes", "nothing"}
ONLY_RUN = ("turned", "a class more", "letters", "nothing")
CASES = [
    *(pytest.param(zoo.yolov8, name, id=f"{name}, known from the graph") for name in DECLARED),
    *(pytest.param(hidden, name, id=f"{name}, known from a run") for name in ONLY_RUN),
]


@pytest.mark.parametrize(("make", "declared"), CASES)
def test_computed_shapes_are_used_from_init_to_the_reply(
    tmp_path: Path, make: zoo.Maker, declared: str
) -> None:
    model = declare(make(tmp_path / "m.onnx"), DECLARED[declared])
    draft = draft_manifest([model], tmp_path)
    assert draft.ranking.matches[0].postprocess[0].name == "yolo"
    assert [note.code for note in draft.notes] == ["declared-shape"] * (declared in WRONG)
    write_manifest(draft.text, tmp_path / "m.yaml", force=False)
    planned = plan(tmp_path / "m.yaml")
    assert len(planned.labels) == 3
    folder = build(planned, tmp_path / "build", force=False).folder
    for variant in VARIANTS:
        (item,) = LocalFunction(folder, variant)(png(64, 64)).body
        assert item["label"] in ("class_1", "dog")
        assert item["points"] == pytest.approx(BOX, abs=0.05)
        assert item["confidence"] == pytest.approx(SCORE, abs=1e-3)


@pytest.mark.parametrize("declared", DECLARED)
def test_check_and_inspect_report_only_wrong_declarations(tmp_path: Path, declared: str) -> None:
    model = declare(zoo.yolov8(tmp_path / "m.onnx"), DECLARED[declared])
    write_manifest(
        draft_manifest([tmp_path / "m.onnx"], tmp_path).text, tmp_path / "m.yaml", force=False
    )
    checked = check([tmp_path / "m.yaml"], VARIANTS, Progress(StringIO()))
    assert [it.code for it in checked.problems] == ["declared-shape"] * (declared in WRONG)
    for problem in checked.problems:
        assert problem.place == "model"
        assert problem.line
        assert problem.found.startswith("output0 [")
        assert problem.allowed == "output0 [1, 7, 84] float32"
    found = Inspection.of(model, run=False)
    assert "output0 [1, 7, 84] float32" in found.as_text()
    assert ("declared as output0 [" in found.as_text()) == (declared in WRONG)


def test_labels_that_fit_only_the_declaration_are_refused(tmp_path: Path) -> None:
    declare(zoo.yolov8(tmp_path / "m.onnx"), (1, 8, CELLS))
    text = draft_manifest([tmp_path / "m.onnx"], tmp_path).text
    data = yaml.safe_load(text)
    data["labels"].append("class_3")
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(data))
    problems = failure(lambda: plan(tmp_path / "m.yaml")).problems
    assert [it.code for it in problems] == ["class-count", "declared-shape"]


def test_a_decoder_that_fits_neither_shape_is_checked_by_a_run(tmp_path: Path) -> None:
    model = declare(hidden(tmp_path / "m.onnx"), (1, CELLS, 7))
    assert read(model).unconfirmed == ("output0",)
    write_manifest(draft_manifest([model], tmp_path).text, tmp_path / "m.yaml", force=False)
    text = (tmp_path / "m.yaml").read_text().replace("- yolo ", "- yolo_objectness ")
    (tmp_path / "m.yaml").write_text(text)
    problem, *_ = failure(lambda: plan(tmp_path / "m.yaml")).problems
    assert "[1, 7, 84]" in str(problem)


def gray(path: Path, side: int | str) -> Path:
    """A head behind a layer that takes one channel and, by a fixed Reshape, one size alone."""
    net = zoo.Net({"images": ("float32", ("n", "c", side, side))})
    features = net("Conv", "images", net.fixed(np.ones((1, 1, 8, 8))), strides=[8, 8])
    cells = net("Reshape", features, net.fixed([1, 1, 28 * 28], np.int64))
    rows = np.zeros((1, 7, 28 * 28), np.float32)
    rows[0, :4, 0], rows[0, 5, 0] = CENTER, SCORE
    zeros = net("Mul", cells, net.fixed(0.0))
    boxes = net("Add", zeros, net.fixed(rows[:, :4]))
    scores = net("Sigmoid", net("Add", zeros, net.fixed([[[-9], [zoo.logit(SCORE)], [-9]]])))
    net.give("output0", net("Concat", boxes, scores, axis=1), ("n", "c2", "cells"))
    return net.save(path)


@pytest.mark.parametrize("declared", ["letters", "nothing"])
def test_an_undeclared_input_gets_the_shape_that_its_graph_needs(
    tmp_path: Path, declared: str
) -> None:
    model = gray(tmp_path / "m.onnx", "side")
    if declared == "nothing":
        proto = onnx.load(model)
        proto.graph.input[0].type.tensor_type.ClearField("shape")
        onnx.save_model(proto, model)
    draft = draft_manifest([model], tmp_path)
    write_manifest(draft.text, tmp_path / "m.yaml", force=False)
    # 28 cells of 8 pixels.
    assert yaml.safe_load(draft.text)["preprocess"][0] == {"letterbox": 224}
    planned = plan(tmp_path / "m.yaml")
    assert planned.models[0].signature.inputs[0].shape == (None, 1, None, None)
    folder = build(planned, tmp_path / "build", force=False).folder
    for variant in VARIANTS:
        items = LocalFunction(folder, variant)(png(224, 224)).body
        assert {tuple(item["points"]) for item in items} == {BOX}


@pytest.mark.parametrize(("wrong", "real"), [("7", "8"), ("84", "8400")])
def test_an_edited_ir_is_built_with_its_computed_shapes(
    tmp_path: Path, wrong: str, real: str
) -> None:
    save_ir(zoo.yolov8, tmp_path / "m.xml")
    text = (tmp_path / "m.xml").read_text()
    head, mark, tail = text.partition('names="output0"')
    assert f"<dim>{wrong}</dim>" in tail
    tail = tail.replace(f"<dim>{wrong}</dim>", f"<dim>{real}</dim>")
    (tmp_path / "m.xml").write_text(head + mark + tail)
    draft = draft_manifest([tmp_path / "m.xml"], tmp_path)
    assert draft.notes == ()
    write_manifest(draft.text, tmp_path / "m.yaml", force=False)
    planned = plan(tmp_path / "m.yaml")
    assert planned.models[0].signature.outputs[0].shape == (1, 7, CELLS)
    folder = build(planned, tmp_path / "build", force=False).folder
    (item,) = LocalFunction(folder, "cpu")(png(64, 64)).body
    assert item["points"] == pytest.approx(BOX, abs=0.05)
