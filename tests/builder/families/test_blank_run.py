from pathlib import Path

import numpy as np
import openvino
import pytest

from builder.families import blank_run
from builder.families.blank_run import real_shape, with_blank_run, with_real_shapes
from builder.families.evidence import Evidence
from builder.model.file import Model, read
from runtimes.signature import Tensor
from tests import zoo
from tests.builder.families.made import Shape


def run(model: Model) -> Evidence:
    return with_blank_run(model, Evidence.of(model))


def test_the_outputs_of_a_gray_image_are_evidence(tmp_path: Path) -> None:
    found = run(read(zoo.yolov8(tmp_path / "m.onnx")))
    assert found.blank_outputs["output0"].shape == (1, 7, zoo.CELLS)
    assert (found.size, found.only_size) == ((64, 64), None)


def test_an_ir_is_run_by_openvino(tmp_path: Path) -> None:
    converted = openvino.convert_model(zoo.yolov8(tmp_path / "source.onnx"))
    openvino.save_model(converted, tmp_path / "m.xml", compress_to_fp16=False)
    assert run(read(tmp_path / "m.xml")).blank_outputs["output0"].shape == (1, 7, zoo.CELLS)


def one_size(path: Path, side: int) -> Model:
    """A model that declares an open size, and runs at one size only."""
    net = zoo.Net({"images": ("float32", (1, 3, "height", "width"))})
    flat = net("Reshape", "images", net.fixed([1, 3, side * side], np.int64))
    net.give("y", net("ReduceMax", flat, axes=[2], keepdims=0), (1, "c"))
    return read(net.save(path))


def test_an_open_input_is_tried_at_several_sizes(tmp_path: Path) -> None:
    found = run(one_size(tmp_path / "m.onnx", 224))
    assert (found.size, found.only_size) == ((224, 224), (224, 224))
    assert found.outputs[0].shape == (1, 3)
    assert run(one_size(tmp_path / "n.onnx", 640)).only_size is None


def test_a_model_that_fails_at_every_size_has_no_outputs(tmp_path: Path) -> None:
    model = one_size(tmp_path / "m.onnx", 17)
    assert run(model) == Evidence.of(model)


def test_a_model_without_one_image_is_not_run(tmp_path: Path) -> None:
    model = read(zoo.sam_decoder(tmp_path / "m.onnx"))
    assert run(model).blank_outputs == {}


@pytest.mark.parametrize(
    ("declared", "real", "shape"),
    [
        ((1, None), (1, 3), (1, 3)),
        ((None, 4), (0, 4), (None, 4)),
        ((None, 4), (7, 4), (None, 4)),
        ((None, 3, None, None), (1, 3, 8, 8), (1, 3, 8, 8)),
        ((1, 84), (1, 8, 4), (1, 8, 4)),
    ],
    ids=["open", "nothing found", "number of detections", "batch", "other axes"],
)
def test_sizes_that_depend_on_the_image_stay_open(
    declared: Shape, real: tuple[int, ...], shape: Shape
) -> None:
    assert real_shape(Tensor("y", declared, "float32"), real) == shape


def test_models_get_thereal_shapes_unless_they_are_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = one_size(tmp_path / "m.onnx", 224)
    assert with_real_shapes(model).signature.outputs[0].shape == (1, 3)
    monkeypatch.setattr(blank_run, "MOST_BYTES", 10)
    assert with_real_shapes(model) is model


def mean_of_channels(path: Path) -> Model:
    """A model that gives the mean of each channel."""
    net = zoo.image("x")
    net.give("y", net("ReduceMean", "x", axes=[2, 3], keepdims=0), (1, 3))
    return read(net.save(path))


def test_messages_of_the_runtimes_are_discarded(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(one_size(tmp_path / "m.onnx", 224)).only_size == (224, 224)
    assert capfd.readouterr() == ("", "")


def test_a_varied_image_is_run_on_request(tmp_path: Path) -> None:
    model = mean_of_channels(tmp_path / "m.onnx")
    found = with_blank_run(model, Evidence.of(model), varied=True)
    blank, varied = found.blank_outputs["y"], found.varied_outputs["y"]
    assert blank == pytest.approx(np.full((1, 3), 0.5))
    # The mean of each channel's gradient, edges and noise: 0.2 + 0.15 + 0.15.
    assert varied == pytest.approx(np.full((1, 3), 0.5), abs=0.03)
    assert len(np.unique(varied)) == 3
    assert not run(model).varied_outputs
