from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.errors import ManifestError, Problem
from builder.plan import Plan, VariantName, plan
from builder.steps import known
from runtimes.decoders.yolo import Yolo
from runtimes.network import Network
from runtimes.preprocess.resize import CenterCrop, Letterbox, Resize
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.refine.suppress import Nms
from runtimes.shapes.rectangle import Rectangle
from tests.builder import models
from tests.builder.conftest import WriteManifest, failure

Planned = Callable[..., Plan]
Refused = Callable[..., tuple[Problem, ...]]


@pytest.fixture
def planned(write_manifest: WriteManifest) -> Planned:
    return lambda **changes: plan(write_manifest(**changes))


@pytest.fixture
def refused(write_manifest: WriteManifest) -> Refused:
    def problems(**changes: Any) -> tuple[Problem, ...]:
        manifest = write_manifest(**changes)
        error = failure(lambda: plan(manifest))
        assert all(problem.file == manifest for problem in error.problems)
        return error.problems

    return problems


def test_what_the_manifest_leaves_out_is_taken_from_the_model(planned: Planned) -> None:
    found = planned()
    assert found.function.network == Network(
        "model.onnx",
        "images",
        (
            Letterbox((64, 64), 114, "center", None),
            Channels("rgb"),
            Normalize(255.0, (0.0,), (1.0,)),
            Layout("nchw"),
        ),
    )
    assert found.function.postprocess == (Yolo(output="output0"), Nms(), Rectangle())
    assert found.function.labels == {0: "cat", 1: "dog", 2: "bird"}
    assert found.function.threshold == 0.25
    assert [(it.id, it.name, it.type) for it in found.labels] == [
        (0, "cat", "rectangle"),
        (1, "dog", "rectangle"),
        (2, "bird", "rectangle"),
    ]
    assert found.variants == ("cpu", "gpu")
    assert (found.name, found.title) == ("boxes", "boxes")


def test_what_the_manifest_says_wins(planned: Planned) -> None:
    found = planned(
        title="My boxes",
        threshold=0.5,
        labels=["a", "b", "c"],
        preprocess=[{"normalize": 1}, {"channels": "bgr"}, {"resize": [64, 64]}],
        postprocess=[{"yolo": "output0"}, {"nms": 0.7}, "rectangle"],
    )
    assert found.function.network.preprocess == (
        Resize((64, 64)),
        Channels("bgr"),
        Normalize(1.0, (0.0,), (1.0,)),
        Layout("nchw"),
    )
    assert found.function.postprocess[1] == Nms(0.7)
    assert (found.title, found.function.threshold) == ("My boxes", 0.5)


@pytest.mark.parametrize(
    ("make", "decoder"),
    [
        (models.yolo_model, "yolo"),
        (models.objectness_model, "yolo_objectness"),
        (models.end2end_model, "yolo_end2end"),
    ],
)
def test_a_decoder_is_bound_to_the_output_that_fits(
    planned: Planned, tmp_path: Path, make: Callable[[Path], Path], decoder: str
) -> None:
    make(tmp_path / "other.onnx")
    (bound, _) = planned(
        model="other.onnx", postprocess=[decoder, "rectangle"]
    ).function.postprocess
    assert isinstance(bound, known("postprocess")[decoder])
    assert 'output="output0"' in repr(bound).replace("'", '"')


@pytest.mark.parametrize(
    ("make", "decoder", "path"),
    [
        (models.objectness_model, "yolo", "postprocess[0].yolo"),
        (models.yolo_model, "yolo_objectness", "postprocess[0].yolo_objectness"),
        (models.yolo_model, "yolo_end2end", "postprocess[0].yolo_end2end"),
        (models.yolo_model, {"yolo": "output1"}, "postprocess[0].yolo.output"),
    ],
)
def test_a_decoder_for_other_models_is_refused_at_its_line(
    refused: Refused, tmp_path: Path, make: Callable[[Path], Path], decoder: Any, path: str
) -> None:
    make(tmp_path / "other.onnx")
    (problem,) = refused(model="other.onnx", postprocess=[decoder, "rectangle"])
    assert problem.path.startswith(path)
    # name, type, model, labels, preprocess, its letterbox, normalize, postprocess.
    assert problem.line == 9


@pytest.mark.parametrize("labels", [["a"], ["a", "b"], ["a", "b", "c", "d"]])
def test_a_plain_list_of_labels_is_all_classes(refused: Refused, labels: list[str]) -> None:
    (problem,) = refused(labels=labels)
    assert problem.path == "postprocess[0].yolo"
    assert "3 classes" in problem.what
    assert f"{len(labels)} labels" in problem.what


@pytest.mark.parametrize("ids", [[0], [2], [0, 2], [2, 0, 1]])
def test_labels_with_ids_may_be_some_of_the_classes(planned: Planned, ids: list[int]) -> None:
    names = {number: f"class {number}" for number in ids}
    found = planned(labels=[{"name": name, "id": number} for number, name in names.items()])
    assert found.function.labels == names


def test_an_id_that_the_model_does_not_have_is_refused(refused: Refused) -> None:
    (problem,) = refused(labels=[{"name": "a", "id": 3}])
    assert "id 3" in problem.what
    assert problem.allowed == "ids 0 to 2"


def test_labels_from_a_file(planned: Planned, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "labels.txt").write_text("x\ny\nz\n")
    assert planned(labels="sub/labels.txt").function.labels == {0: "x", 1: "y", 2: "z"}


@pytest.mark.parametrize("labels", ["absent.txt", "metadate", "x\x00.txt", "~nobody-here/l.txt"])
def test_a_label_file_that_is_absent_is_reported_at_its_line(refused: Refused, labels: str) -> None:
    (problem,) = refused(labels=labels)
    assert (problem.path, problem.line) == ("labels", 4)


def test_labels_from_a_model_without_names(refused: Refused, tmp_path: Path) -> None:
    models.yolo_model(tmp_path / "other.onnx", metadata={})
    (problem,) = refused(model="other.onnx")
    assert (problem.path, problem.line) == ("labels", 4)


@pytest.mark.parametrize("names", ["{0: 'cat '}", "{[]: 1}", "os.system('id')", "{0: 'a', 5: 'b'}"])
def test_labels_from_a_model_with_hostile_names(
    refused: Refused, tmp_path: Path, names: str
) -> None:
    models.yolo_model(tmp_path / "other.onnx", metadata={"names": names})
    (problem,) = refused(model="other.onnx")
    assert (problem.path, problem.line) == ("labels", 4)


@pytest.mark.parametrize("task", ["segment", "pose", "obb", "classify"])
def test_a_model_that_says_it_has_another_task_is_refused(
    refused: Refused, tmp_path: Path, task: str
) -> None:
    models.yolo_model(tmp_path / "other.onnx", metadata={"names": models.NAMES, "task": task})
    (problem,) = refused(model="other.onnx")
    assert task in problem.what


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ({"letterbox": 32}, "preprocess[0].letterbox.size"),
        ({"resize": [64, 32]}, "preprocess[0].resize.size"),
        ({"center_crop": 65}, "preprocess[0].center_crop.size"),
        ({"letterbox": {"stride": 32}}, "preprocess[0].letterbox.stride"),
        ({"channels": "gray"}, "preprocess[0].channels.order"),
        ({"layout": "nhwc"}, "preprocess[0].layout.layout"),
    ],
)
def test_preprocessing_that_the_model_cannot_take(
    refused: Refused, entry: dict[str, Any], path: str
) -> None:
    (name,) = entry
    resize = [] if name in ("letterbox", "resize", "center_crop") else ["letterbox"]
    found = refused(preprocess=[entry, *resize])
    assert found[0].path.startswith(path.rsplit(".", 1)[0])
    # The stride stands below its step, the others beside theirs.
    assert found[0].line == (7 if path.endswith("stride") else 6)


@pytest.mark.parametrize("preprocess", [[], ["normalize"]])
def test_an_image_that_nothing_brings_to_size_is_refused(
    refused: Refused, preprocess: list[str]
) -> None:
    (problem,) = refused(preprocess=preprocess)
    assert problem.path == "preprocess"
    assert "64x64" in problem.what


def test_an_open_size_is_the_manifests_to_say(
    planned: Planned, refused: Refused, tmp_path: Path
) -> None:
    models.open_size_model(tmp_path / "open.onnx")
    (problem,) = refused(model="open.onnx")
    assert problem.path.startswith("preprocess[0].letterbox")
    found = planned(model="open.onnx", preprocess=[{"letterbox": [48, 96]}])
    assert found.function.network.preprocess[0] == Letterbox((48, 96))
    found = planned(model="open.onnx", preprocess=[{"center_crop": 96}])
    assert found.function.network.preprocess[0] == CenterCrop((96, 96))


def test_an_open_size_is_read_from_the_metadata_of_ultralytics(
    planned: Planned, tmp_path: Path
) -> None:
    models.yolo_model(
        tmp_path / "open.onnx",
        shape=(1, 3, "height", "width"),
        metadata={"names": models.NAMES, "imgsz": "[32, 64]"},
    )
    assert planned(model="open.onnx").function.network.preprocess[0] == Letterbox((32, 64))


def test_two_inputs_are_refused_by_name(refused: Refused, tmp_path: Path) -> None:
    models.two_input_model(tmp_path / "two.onnx")
    (problem,) = refused(model="two.onnx")
    assert "2 inputs" in problem.what
    assert "images" in problem.found
    assert "points" in problem.found


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 3, 64, 64), "2 images"),
        ((1, 4, 64, 64), "4 channels"),
        ((1, 64), "2 axes"),
        ((1, 1, 3, 64, 64), "5 axes"),
    ],
)
def test_inputs_that_hold_no_image_are_refused(
    refused: Refused, tmp_path: Path, shape: tuple[int, ...], words: str
) -> None:
    models.yolo_model(tmp_path / "other.onnx", shape=shape)
    assert words in refused(model="other.onnx")[0].what


def test_a_grey_model_gets_grey_and_channels_last_are_told_by_the_shape(
    planned: Planned, tmp_path: Path
) -> None:
    models.yolo_model(tmp_path / "grey.onnx", shape=(1, 32, 64, 1))
    assert planned(model="grey.onnx").function.network.preprocess == (
        Letterbox((32, 64)),
        Channels("gray"),
        Normalize(),
        Layout("nhwc"),
    )


@pytest.fixture
def ir(tmp_path: Path) -> str:
    return models.openvino_model(tmp_path).name


def test_an_ir_is_for_the_cpu_variant_alone(planned: Planned, refused: Refused, ir: str) -> None:
    labels = ["a", "b", "c"]
    (problem,) = refused(model=ir, labels=labels)
    assert (problem.path, problem.line) == ("model", 3)
    found = planned(model=ir, labels=labels, variants={"gpu": False})
    assert found.variants == ("cpu",)
    assert found.function.network.file == "model.xml"
    only = {"gpu": False, "cpu": {"runtime": "onnxruntime"}}
    (problem,) = refused(model=ir, labels=labels, variants=only)
    assert problem.path == "variants.cpu.runtime"


@pytest.mark.parametrize(
    ("variants", "wanted", "kept"),
    [
        ({}, ("cpu", "gpu"), ("cpu", "gpu")),
        ({}, ("gpu", "cpu"), ("cpu", "gpu")),
        ({}, ("gpu",), ("gpu",)),
        ({"gpu": False}, ("cpu", "gpu"), ("cpu",)),
        ({"cpu": False}, ("cpu", "gpu"), ("gpu",)),
    ],
)
def test_variants_are_those_that_are_wanted_and_on(
    write_manifest: WriteManifest,
    variants: dict[str, Any],
    wanted: tuple[VariantName, ...],
    kept: tuple[VariantName, ...],
) -> None:
    assert plan(write_manifest(variants=variants), wanted).variants == kept


def test_a_variant_that_is_wanted_but_off_is_refused(write_manifest: WriteManifest) -> None:
    manifest = write_manifest(variants={"gpu": False})
    (problem,) = failure(lambda: plan(manifest, ("gpu",))).problems
    assert problem.path == "variants"


@pytest.mark.parametrize("kind", ["rectangle", "any"])
def test_a_label_may_have_the_type_that_is_drawn(planned: Planned, kind: str) -> None:
    labels: list[Any] = ["a", {"name": "b", "type": kind}, "c"]
    assert [label.type for label in planned(labels=labels).labels] == [
        "rectangle",
        kind,
        "rectangle",
    ]


@pytest.mark.parametrize("kind", ["polygon", "mask", "tag", "ellipse"])
def test_a_label_of_a_type_that_is_not_drawn_is_refused(refused: Refused, kind: str) -> None:
    (problem,) = refused(labels=["a", {"name": "b", "type": kind}, "c"])
    assert problem.path == "labels[1].type"
    assert problem.found == kind
    assert problem.allowed == "rectangle or any"


def test_problems_of_all_parts_are_reported_together(refused: Refused) -> None:
    found = refused(
        labels=["a", "a", "c"], preprocess=[], postprocess=["yolo_objectness", "rectangle"]
    )
    assert {problem.path.split("[")[0] for problem in found} >= {"labels", "preprocess"}


@pytest.mark.parametrize(
    "model", ["absent.onnx", "best.pt", "folder.onnx", "~nobody-here/m.onnx", "x" * 300 + ".onnx"]
)
def test_a_model_that_cannot_be_used_is_reported_at_its_line(
    refused: Refused, tmp_path: Path, model: str
) -> None:
    (tmp_path / "folder.onnx").mkdir()
    (problem,) = refused(model=model)
    assert (problem.path, problem.line, problem.column) == ("model", 3, 1)


def test_a_manifest_that_is_wrong_is_no_plan(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("name: boxes\n")
    assert isinstance(failure(lambda: plan(tmp_path / "m.yaml")), ManifestError)


def test_masks_as_run_lengths_are_warned_of(write_manifest: WriteManifest) -> None:
    steps = ["yolo", "nms", {"mask": "rle"}]
    (warning,) = plan(write_manifest(postprocess=steps)).warnings
    assert warning.path == "postprocess[2].mask.encoding"
    assert "refuse run lengths" in warning.what
    assert plan(write_manifest(postprocess=["yolo", "nms", "mask"])).warnings == ()
