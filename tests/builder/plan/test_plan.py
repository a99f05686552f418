from pathlib import Path

from runtimes.decoders.yolo import Yolo
from runtimes.network import Network
from runtimes.preprocess.resize import Letterbox, Resize
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.refine.suppress import Nms
from runtimes.shapes.rectangle import Rectangle
from tests.builder.conftest import detector_of
from tests.builder.plan.conftest import NUMBER, Planned, seconds, weights_in_files


def test_omitted_values_are_taken_from_the_model(planned: Planned) -> None:
    found = planned()
    assert detector_of(found).network == Network(
        "model.onnx",
        "images",
        (
            Letterbox((64, 64), 114, "center", None),
            Channels("rgb"),
            Normalize(255.0, (0.0,), (1.0,)),
            Layout("nchw"),
        ),
    )
    assert detector_of(found).decoder == Yolo(output="output0")
    assert detector_of(found).refine == (Nms(),)
    assert detector_of(found).shapes == (Rectangle(),)
    assert detector_of(found).labels == {0: "cat", 1: "dog", 2: "bird"}
    assert detector_of(found).threshold == 0.25
    assert [(it.id, it.name, it.type) for it in found.labels] == [
        (0, "cat", "rectangle"),
        (1, "dog", "rectangle"),
        (2, "bird", "rectangle"),
    ]
    assert found.variants == ("cpu", "gpu")
    assert (found.name, found.title) == ("boxes", "boxes")


def test_values_of_the_manifest_override_those_of_the_model(planned: Planned) -> None:
    found = planned(
        title="My boxes",
        threshold=0.5,
        labels=["a", "b", "c"],
        preprocess=[{"normalize": 1}, {"channels": "bgr"}, {"resize": [64, 64]}],
        postprocess=[{"yolo": "output0"}, {"nms": 0.7}, "rectangle"],
    )
    assert detector_of(found).network.preprocess == (
        Resize((64, 64)),
        Channels("bgr"),
        Normalize(1.0, (0.0,), (1.0,)),
        Layout("nchw"),
    )
    assert detector_of(found).refine == (Nms(0.7),)
    assert (found.title, detector_of(found).threshold) == ("My boxes", 0.5)


def test_files_of_two_models_have_different_names(planned: Planned, tmp_path: Path) -> None:
    weights_in_files(tmp_path, "a.data", "b.data")
    found = planned(model="a/model.onnx", then=seconds(NUMBER, model="b/model.onnx"))
    assert found.files == {
        "model.onnx": tmp_path / "a" / "model.onnx",
        "a.data": tmp_path / "a" / "a.data",
        "then-1.onnx": tmp_path / "b" / "model.onnx",
        "b.data": tmp_path / "b" / "b.data",
    }


def test_one_model_can_be_both_the_first_and_the_second(planned: Planned, tmp_path: Path) -> None:
    weights_in_files(tmp_path, "weights.data", "other.data")
    found = planned(model="a/model.onnx", then=seconds(NUMBER, model="a/model.onnx"))
    assert found.files["weights.data"] == tmp_path / "a" / "weights.data"
    assert {*found.files} == {"model.onnx", "then-1.onnx", "weights.data"}
