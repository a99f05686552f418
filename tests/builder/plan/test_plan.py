import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from builder.diagnostics.errors import CvatbuildError, ManifestError
from builder.diagnostics.problem import Problem
from builder.lint.examine import examine, plan
from builder.manifest.steps import known
from builder.manifest.variants import VariantName
from builder.plan.plan import Plan
from runtimes.decoders.yolo import Yolo
from runtimes.network import Network
from runtimes.preprocess.resize import CenterCrop, Letterbox, Resize
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.refine.suppress import Nms
from runtimes.shapes.rectangle import Rectangle
from tests.builder import models
from tests.builder.conftest import WriteManifest, detector_of, failure, write_manifest_to
from tests.builder.model.test_download import CONTENT, DIGEST, Server
from tests.unseen import check_without_model

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


def test_what_the_manifest_says_wins(planned: Planned) -> None:
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
    found = planned(model="other.onnx", postprocess=[decoder, "rectangle"])
    bound = detector_of(found).decoder
    assert (detector_of(found).refine, detector_of(found).shapes) == ((), (Rectangle(),))
    assert isinstance(bound, known("detector")[decoder])
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
    assert problem.place.startswith(path)
    # name, type, model, labels, preprocess, its letterbox, normalize, postprocess.
    assert problem.line == 9


@pytest.mark.parametrize("labels", [["a"], ["a", "b"], ["a", "b", "c", "d"]])
def test_a_plain_list_of_labels_is_all_classes(refused: Refused, labels: list[str]) -> None:
    (problem,) = refused(labels=labels)
    assert problem.place == "postprocess[0].yolo"
    assert "3 classes" in problem.what
    assert f"{len(labels)} labels" in problem.what


@pytest.mark.parametrize("ids", [[0], [2], [0, 2], [2, 0, 1]])
def test_labels_with_ids_may_be_some_of_the_classes(planned: Planned, ids: list[int]) -> None:
    names = {number: f"class {number}" for number in ids}
    found = planned(labels=[{"name": name, "id": number} for number, name in names.items()])
    assert detector_of(found).labels == names


def test_an_id_that_the_model_does_not_have_is_refused(refused: Refused) -> None:
    (problem,) = refused(labels=[{"name": "a", "id": 3}])
    assert "id 3" in problem.what
    assert problem.allowed == "ids 0 to 2"


def test_labels_from_a_file(planned: Planned, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "labels.txt").write_text("x\ny\nz\n")
    assert detector_of(planned(labels="sub/labels.txt")).labels == {0: "x", 1: "y", 2: "z"}


@pytest.mark.parametrize("labels", ["absent.txt", "metadate", "x\x00.txt", "~nobody-here/l.txt"])
def test_a_label_file_that_is_absent_is_reported_at_its_line(refused: Refused, labels: str) -> None:
    (problem,) = refused(labels=labels)
    assert (problem.place, problem.line) == ("labels", 4)


def test_labels_from_a_model_without_names(refused: Refused, tmp_path: Path) -> None:
    models.yolo_model(tmp_path / "other.onnx", metadata={})
    (problem,) = refused(model="other.onnx")
    assert (problem.place, problem.line) == ("labels", 4)


@pytest.mark.parametrize("names", ["{0: 'cat '}", "{[]: 1}", "os.system('id')", "{0: 'a', 5: 'b'}"])
def test_labels_from_a_model_with_hostile_names(
    refused: Refused, tmp_path: Path, names: str
) -> None:
    models.yolo_model(tmp_path / "other.onnx", metadata={"names": names})
    (problem,) = refused(model="other.onnx")
    assert (problem.place, problem.line) == ("labels", 4)


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
    assert found[0].place.startswith(path.rsplit(".", 1)[0])
    # The stride stands below its step, the others beside theirs.
    assert found[0].line == (7 if path.endswith("stride") else 6)


@pytest.mark.parametrize("preprocess", [[], ["normalize"]])
def test_an_image_that_nothing_brings_to_size_is_refused(
    refused: Refused, preprocess: list[str]
) -> None:
    (problem,) = refused(preprocess=preprocess)
    assert problem.place == "preprocess"
    assert "64x64" in problem.what


def test_an_open_size_is_the_manifests_to_say(
    planned: Planned, refused: Refused, tmp_path: Path
) -> None:
    models.open_size_model(tmp_path / "open.onnx")
    (problem,) = refused(model="open.onnx")
    assert problem.place.startswith("preprocess[0].letterbox")
    found = planned(model="open.onnx", preprocess=[{"letterbox": [48, 96]}])
    assert detector_of(found).network.preprocess[0] == Letterbox((48, 96))
    found = planned(model="open.onnx", preprocess=[{"center_crop": 96}])
    assert detector_of(found).network.preprocess[0] == CenterCrop((96, 96))


def test_an_open_size_is_read_from_the_metadata_of_ultralytics(
    planned: Planned, tmp_path: Path
) -> None:
    models.yolo_model(
        tmp_path / "open.onnx",
        shape=(1, 3, "height", "width"),
        metadata={"names": models.NAMES, "imgsz": "[32, 64]"},
    )
    assert detector_of(planned(model="open.onnx")).network.preprocess[0] == Letterbox((32, 64))


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
    assert detector_of(planned(model="grey.onnx")).network.preprocess == (
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
    assert (problem.place, problem.line) == ("model", 3)
    found = planned(model=ir, labels=labels, variants={"gpu": False})
    assert found.variants == ("cpu",)
    assert detector_of(found).network.file == "model.xml"
    only = {"gpu": False, "cpu": {"runtime": "onnxruntime"}}
    (problem,) = refused(model=ir, labels=labels, variants=only)
    assert problem.place == "variants.cpu.runtime"


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
    assert problem.place == "variants"


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
    assert problem.place == "labels[1].type"
    assert problem.found == kind
    assert problem.allowed == "rectangle or any"


def test_problems_of_all_parts_are_reported_together(refused: Refused) -> None:
    found = refused(
        labels=["a", "a", "c"], preprocess=[], postprocess=["yolo_objectness", "rectangle"]
    )
    assert {problem.place.split("[")[0] for problem in found} >= {"labels", "preprocess"}


@pytest.mark.parametrize(
    "model", ["absent.onnx", "best.pt", "folder.onnx", "~nobody-here/m.onnx", "x" * 300 + ".onnx"]
)
def test_a_model_that_cannot_be_used_is_reported_at_its_line(
    refused: Refused, tmp_path: Path, model: str
) -> None:
    (tmp_path / "folder.onnx").mkdir()
    (problem,) = refused(model=model)
    assert (problem.place, problem.line, problem.column) == ("model", 3, 1)


def test_a_manifest_that_is_wrong_is_no_plan(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("name: boxes\n")
    assert isinstance(failure(lambda: plan(tmp_path / "m.yaml")), ManifestError)


CHOICE = {"choice_attribute": {"attribute": "hue", "values": ["red", "green"]}}
NUMBER = {"number_attribute": {"attribute": "age", "least": 18, "most": 99}}
HUE = ("hue", "select", ("red", "green"))
AGE = ("age", "number", ("18", "99", "1"))
SCORE = ("score", "number", ("0", "100", "1"))


def drawn(*steps: Any) -> list[Any]:
    return ["yolo", "nms", *steps, "rectangle"]


def seconds(*steps: Any, model: Any = "model.onnx", **more: Any) -> list[dict[str, Any]]:
    """`then` with one second model, whose only output any attribute can be read from."""
    return [{"model": model, **more, "preprocess": ["resize"], "postprocess": list(steps)}]


def declared(found: Plan) -> list[list[tuple[str, str, tuple[Any, ...]]]]:
    """The attributes of each label."""
    return [
        [(it.name, it.input_type, it.values) for it in label.attributes] for label in found.labels
    ]


def test_attributes_that_steps_give_are_declared_for_every_label(planned: Planned) -> None:
    constant = {"constant_attribute": {"attribute": "source", "value": "model 7"}}
    steps = drawn("score_attribute", constant)
    found = planned(postprocess=steps, then=seconds(CHOICE, NUMBER))
    assert declared(found) == [[SCORE, ("source", "text", ("model 7",)), HUE, AGE]] * 3


def test_attributes_of_a_second_model_are_declared_for_the_labels_it_looks_at(
    planned: Planned,
) -> None:
    then = [*seconds(CHOICE, only=["dog"]), *seconds(NUMBER, only=["bird", "dog"])]
    found = planned(postprocess=drawn("score_attribute"), then=then)
    assert declared(found) == [[SCORE], [SCORE, HUE, AGE], [SCORE, AGE]]


def test_a_labels_own_declaration_wins_and_comes_first(planned: Planned) -> None:
    own = [
        {"name": "age", "input_type": "number", "values": [0, 120, 1]},
        {"name": "mood", "input_type": "text"},
    ]
    labels = ["cat", {"name": "dog", "attributes": own}, "bird"]
    found = planned(labels=labels, then=seconds(CHOICE, NUMBER))
    assert declared(found) == [
        [HUE, AGE],
        [("age", "number", ("0", "120", "1")), ("mood", "text", ()), HUE],
        [HUE, AGE],
    ]


@pytest.mark.parametrize(
    ("own", "steps", "words"),
    [
        (
            {"name": "hue", "input_type": "select", "values": ["red", "blue"]},
            CHOICE,
            "'green' is not one of red, blue",
        ),
        ({"name": "hue", "input_type": "checkbox"}, CHOICE, "'red' is neither"),
        ({"name": "age", "input_type": "number", "values": [0, 50, 1]}, NUMBER, "not from 0 to 50"),
    ],
)
def test_what_a_labels_own_declaration_would_drop_is_refused(
    refused: Refused, own: dict[str, Any], steps: dict[str, Any], words: str
) -> None:
    labels = ["cat", {"name": "dog", "attributes": [own]}, "bird"]
    (problem,) = refused(labels=labels, then=seconds(steps))
    assert problem.place.startswith("then[0].postprocess[0].")
    assert "CVAT would drop the attribute of 'dog'" in problem.what
    assert words in problem.what


def test_without_attributes_nothing_is_declared(planned: Planned) -> None:
    assert declared(planned()) == [[], [], []]


@pytest.mark.parametrize(
    ("step", "key"),
    [
        ({"constant_attribute": {"attribute": " source", "value": "x"}}, "constant_attribute"),
        ({"constant_attribute": {"attribute": "", "value": "x"}}, "constant_attribute"),
        ({"score_attribute": "x" * 65}, "score_attribute"),
        ({"score_attribute": "a\nb"}, "score_attribute"),
        ({"choice_attribute": {"attribute": "hue", "values": []}}, "choice_attribute"),
    ],
)
@pytest.mark.parametrize("check", [plan, check_without_model])
def test_an_attribute_that_cvat_could_not_declare_is_refused_at_its_line(
    write_manifest: WriteManifest,
    check: Callable[[Path], object],
    step: dict[str, Any],
    key: str,
) -> None:
    manifest = write_manifest(labels=["a", "b", "c"], postprocess=drawn(step))
    (problem,) = failure(lambda: check(manifest)).problems
    assert problem.place.startswith(f"postprocess[2].{key}")
    assert problem.file == manifest


BESIDE = {"ellipse": {"suffix": "-round"}}


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (
            ["rectangle", BESIDE],
            [
                ("cat", "rectangle"),
                ("dog", "rectangle"),
                ("cat-round", "ellipse"),
                ("dog-round", "ellipse"),
            ],
        ),
        ([BESIDE], [("cat-round", "ellipse"), ("dog-round", "ellipse")]),
        (
            [{"rectangle": {"suffix": " outline"}}, BESIDE],
            [
                ("cat outline", "rectangle"),
                ("dog outline", "rectangle"),
                ("cat-round", "ellipse"),
                ("dog-round", "ellipse"),
            ],
        ),
        # Two shapes without a suffix share the label.
        (["rectangle", "ellipse"], [("cat", "any"), ("dog", "any")]),
    ],
)
def test_a_shape_with_a_suffix_has_labels_of_its_own(
    planned: Planned, shapes: list[Any], expected: list[tuple[str, str]]
) -> None:
    labels = [{"name": "cat", "id": 0}, {"name": "dog", "id": 2}]
    found = planned(labels=labels, postprocess=["yolo", "nms", *shapes])
    assert [(label.name, label.type) for label in found.labels] == expected
    assert [label.id for label in found.labels] == [0, 2] * (len(expected) // 2)
    # Classes are known by their names alone: the suffix is the shape's.
    assert detector_of(found).labels == {0: "cat", 2: "dog"}


def test_labels_with_a_suffix_have_the_attributes_too(planned: Planned) -> None:
    found = planned(postprocess=["yolo", "nms", "score_attribute", "rectangle", BESIDE])
    assert declared(found) == [[SCORE]] * 6


@pytest.mark.parametrize(
    ("labels", "suffix", "what"),
    [
        (["cat", "cat-mask", "c"], "-mask", "duplicate label 'cat-mask'"),
        (
            ["x" * 60, "b", "c"],
            "-mask",
            f"the label '{'x' * 60}-mask' is longer than 64 characters",
        ),
    ],
)
def test_a_suffix_that_makes_no_new_label_is_refused(
    refused: Refused, labels: list[str], suffix: str, what: str
) -> None:
    shapes = ["rectangle", {"mask": {"suffix": suffix}}]
    (problem,) = refused(labels=labels, postprocess=["yolo", "nms", *shapes])
    assert (problem.place, problem.what) == ("postprocess", what)
    assert "another suffix" in problem.hint


def test_the_longest_name_that_a_suffix_may_make(planned: Planned) -> None:
    shapes = ["rectangle", {"ellipse": {"suffix": "-oval"}}]
    found = planned(labels=["x" * 59, "b", "c"], postprocess=["yolo", "nms", *shapes])
    assert found.labels[3].name == "x" * 59 + "-oval"
    assert len(found.labels[3].name) == 64


CLASSIFY = {"attribute": "hue", "values": ["red", "green"]}


@pytest.mark.parametrize(
    ("changes", "path", "found"),
    [
        (
            {"postprocess": [{"choice_attribute": {**CLASSIFY, "values": 5}}]},
            "then[0].postprocess[0].choice_attribute.values",
            "5",
        ),
        (
            {"postprocess": ["score_attribute", {"choice_attribute": {"attribute": "hue"}}]},
            "then[0].postprocess[1].choice_attribute.values",
            "",
        ),
        (
            {"postprocess": [{"choice_attribute": {**CLASSIFY, "values": ["a", 1]}}]},
            "then[0].postprocess[0].choice_attribute.values[1]",
            "1",
        ),
        (
            {"postprocess": [{"choice_attribute": {**CLASSIFY, "value": 1}}]},
            "then[0].postprocess[0].choice_attribute.value",
            "",
        ),
        (
            {"postprocess": [{"choice_attribute": {**CLASSIFY, "output": "no"}}]},
            "then[0].postprocess[0].choice_attribute.output",
            "no",
        ),
        (
            {"postprocess": [{"number_attribute": {"attribute": "a", "least": 9, "most": 9}}]},
            "then[0].postprocess[0].number_attribute",
            None,
        ),
        ({"preprocess": [{"resize": 32}]}, "then[0].preprocess[0].resize.size", "32x32"),
        ({"preprocess": []}, "then[0].preprocess", None),
        ({"postprocess": ["choice"]}, "then[0].postprocess[0].choice", None),
        ({"postprocess": ["nms"]}, "then[0].postprocess", None),
        ({"postprocess": []}, "then[0].postprocess", None),
        ({"only": ["horse"]}, "then[0].only[0]", "horse"),
        ({"expand": 0.5}, "then[0].expand", "0.5"),
        ({"model": "absent.onnx"}, "then[0].model", "absent.onnx"),
        ({"model": "weights.pt"}, "then[0].model", ".pt"),
        ({"labels": ["a"]}, "then[0].labels", None),
    ],
)
def test_what_is_wrong_with_a_second_model_is_told_at_its_place(
    refused: Refused, changes: dict[str, Any], path: str, found: str | None
) -> None:
    (then,) = seconds(NUMBER)
    (problem,) = refused(then=[{**then, **changes}])
    assert problem.place == path
    assert problem.line > 12  # below the first model's steps
    if found is not None:
        assert problem.found == found


def test_the_second_of_two_second_models_is_told_by_its_number(refused: Refused) -> None:
    then = [*seconds(NUMBER), *seconds(NUMBER, only=["horse"])]
    (problem,) = refused(then=then)
    assert problem.place == "then[1].only[0]"


def folders(folder: Path, first: str, second: str) -> None:
    """Two models in folders of their own that keep their weights in files of the given names."""
    for name, location, change in (("a", first, 1), ("b", second, 2)):
        (folder / name).mkdir()
        models.external_model(folder / name / "model.onnx", location)
        data = bytearray((folder / name / location).read_bytes())
        data[-1] ^= change  # no two models have the same weights
        (folder / name / location).write_bytes(data)


def test_two_models_keep_their_weights_beside_each_other(planned: Planned, tmp_path: Path) -> None:
    folders(tmp_path, "a.data", "b.data")
    found = planned(model="a/model.onnx", then=seconds(NUMBER, model="b/model.onnx"))
    assert found.files == {
        "model.onnx": tmp_path / "a" / "model.onnx",
        "a.data": tmp_path / "a" / "a.data",
        "then-1.onnx": tmp_path / "b" / "model.onnx",
        "b.data": tmp_path / "b" / "b.data",
    }


def test_two_models_whose_weights_would_overwrite_each_other_are_refused(
    refused: Refused, tmp_path: Path
) -> None:
    folders(tmp_path, "weights.data", "weights.data")
    (problem,) = refused(model="a/model.onnx", then=seconds(NUMBER, model="b/model.onnx"))
    assert problem.place == "then[0].model"
    assert "weights.data" in f"{problem.what} {problem.found}"


def test_weights_of_the_name_of_another_model_are_refused(refused: Refused, tmp_path: Path) -> None:
    folders(tmp_path, "then-1.onnx", "weights.data")
    found = refused(model="a/model.onnx", then=seconds(NUMBER, model="b/model.onnx"))
    assert "then-1.onnx" in f"{found[0].what} {found[0].found}"


def test_one_model_may_be_both_the_first_and_the_second(planned: Planned, tmp_path: Path) -> None:
    folders(tmp_path, "weights.data", "other.data")
    found = planned(model="a/model.onnx", then=seconds(NUMBER, model="a/model.onnx"))
    assert found.files["weights.data"] == tmp_path / "a" / "weights.data"
    assert {*found.files} == {"model.onnx", "then-1.onnx", "weights.data"}


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


def test_an_address_without_a_digest_is_refused_with_the_right_one_and_nothing_is_kept(
    refused: Refused, server: Server, cache: Path
) -> None:
    url = f"{server.base}/model.onnx"
    (problem,) = refused(model={"url": url})
    assert (problem.place, problem.line) == ("model.sha256", 3)
    assert url in problem.what
    assert f"`sha256: {hashlib.sha256(CONTENT).hexdigest()}`" in problem.hint
    assert server.requests == ["/model.onnx"]
    assert kept_in(cache) == []


def test_the_digest_that_is_told_is_the_one_that_is_taken(
    refused: Refused, planned: Planned, server: Server, cache: Path, model_file: Path
) -> None:
    server.files["/boxes.onnx"] = model_file.read_bytes()
    model = {"url": f"{server.base}/boxes.onnx"}
    told = refused(model=model)[0].hint.split("sha256: ")[1].rstrip("`")
    found = planned(model={**model, "sha256": told})
    assert found.models[0].digest == told
    assert kept_in(cache) == [cache / told / "boxes.onnx"]


def test_weights_without_a_digest_are_refused_with_the_right_one(
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


def test_a_second_model_at_an_address_without_a_digest_is_told_at_its_place(
    refused: Refused, server: Server, cache: Path
) -> None:
    url = f"{server.base}/model.onnx"
    (problem,) = refused(then=seconds(NUMBER, model={"url": url}))
    assert problem.place == "then[0].model.sha256"
    assert DIGEST in problem.hint
    assert kept_in(cache) == []


def test_an_address_that_serves_nothing_has_no_digest_to_tell(
    write_manifest: WriteManifest, server: Server, cache: Path
) -> None:
    manifest = write_manifest(model={"url": f"{server.base}/absent.onnx"})
    error = failure(lambda: plan(manifest))
    assert error.problems[0].code == "download-failed"
    assert "Not Found" in error.problems[0].what
    assert "sha256" not in error.problems[0].hint
    assert kept_in(cache) == []


WITHOUT: dict[str, Any] = {"model": "absent.onnx", "labels": ["a", "b"]}
"""A manifest whose model is not here."""


def unseen(folder: Path, **changes: Any) -> tuple[Problem, ...]:
    """What is wrong with a manifest as far as it can be known without the model."""
    manifest = write_manifest_to(folder, **{**WITHOUT, **changes})
    error = failure(lambda: check_without_model(manifest))
    assert isinstance(error, ManifestError)
    assert all(problem.file == manifest for problem in error.problems)
    return error.problems


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"labels": [{"name": "a", "id": 70}]},
        {"labels": [{"name": "a", "type": "rectangle"}, {"name": "b", "type": "any"}]},
        {"model": "best.pt"},
        {"model": {"url": "http://127.0.0.1:9/model.onnx", "sha256": "0" * 64}},
        {"model": {"url": "http://127.0.0.1:9/model.onnx"}},
        {"model": {"wheel": "absent==1", "file": "m.onnx", "sha256": "0" * 64}},
        {"postprocess": drawn("score_attribute")},
        {"then": seconds(CHOICE, NUMBER, model="absent too.onnx", only=["b"])},
        # Only the model could tell that these do not fit it.
        {"preprocess": [{"letterbox": 4096}]},
        {"postprocess": [{"yolo": "no such output"}, "rectangle"]},
    ],
)
def test_a_manifest_is_judged_without_its_model(tmp_path: Path, changes: dict[str, Any]) -> None:
    file = write_manifest_to(tmp_path, **{**WITHOUT, **changes})
    assert check_without_model(file).name == "boxes"
    assert [path.name for path in tmp_path.iterdir()] == ["boxes.yaml"]
    # With the model it is another matter.
    assert isinstance(failure(lambda: plan(file)), CvatbuildError)


def test_a_label_file_is_read_without_the_model(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("a\nb\n")
    assert check_without_model(write_manifest_to(tmp_path, **{**WITHOUT, "labels": "labels.txt"}))
    (tmp_path / "labels.txt").write_text("a\na\n")
    (problem,) = unseen(tmp_path, labels="labels.txt")
    assert problem.place == "labels"
    assert "duplicate" in problem.what


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"treshold": 0.5}, "treshold", "unknown key 'treshold'"),
        (
            {"postprocess": drawn({"top_k": {"mots": 3}})},
            "postprocess[2].top_k.mots",
            "unknown key",
        ),
        ({"postprocess": ["yolov9", "rectangle"]}, "postprocess[0].yolov9", "unknown step"),
        ({"threshold": 2}, "threshold", "invalid value"),
        ({"labels": None}, "labels", "missing"),
        ({"labels": ["a", "a"]}, "labels[1]", "duplicate label 'a'"),
        (
            {"labels": [{"name": "a", "id": 1}, {"name": "b", "id": 1}]},
            "labels[1]",
            "two labels have the id 1",
        ),
        (
            {"labels": ["a", {"name": "b", "type": "mask"}]},
            "labels[1].type",
            "CVAT would not accept",
        ),
        ({"labels": "absent.txt"}, "labels", "there is no file"),
        ({"postprocess": ["yolo", "rectangle", "nms"]}, "postprocess", "before"),
        ({"postprocess": ["nms", "yolo", "rectangle"]}, "postprocess", "first"),
        ({"postprocess": ["yolo", "nms"]}, "postprocess", "no shape"),
        ({"postprocess": ["rectangle"]}, "postprocess", "0 decoders"),
        (
            {"labels": ["a", "a-x"], "postprocess": drawn({"mask": {"suffix": "-x"}})},
            "postprocess",
            "duplicate label 'a-x'",
        ),
        (
            {"postprocess": drawn("skeleton")},
            "postprocess[2].skeleton",
            "a skeleton needs labels with `sublabels`",
        ),
        (
            {
                "labels": [{"name": "a", "sublabels": ["k"]}],
                "postprocess": drawn("rectangle", "skeleton"),
            },
            "postprocess",
            "a label is either a skeleton or another shape, not both",
        ),
        (
            {
                "labels": [{"name": "a", "sublabels": ["k"]}, "b"],
                "postprocess": ["yolo_pose", "skeleton"],
            },
            "labels[1]",
            "no shape is drawn for 'b', which has no `sublabels`",
        ),
        (
            {
                "labels": [{"name": "a", "skeletons": [{"name": "a", "sublabels": ["k"]}]}],
                "postprocess": drawn("rectangle", "skeleton"),
            },
            "postprocess",
            "duplicate label 'a'",
        ),
        (
            {
                "labels": [
                    {
                        "name": "a",
                        "type": "skeleton",
                        "sublabels": ["k"],
                    },
                    {"name": "b", "sublabels": ["k", "l"]},
                ],
                "postprocess": ["yolo_pose", "skeleton"],
            },
            "labels[1]",
            "different numbers of sublabels",
        ),
        ({"then": seconds("rectangle")}, "then[0].postprocess", "refine and draw at the top"),
        ({"then": seconds({"number_attribute": 5})}, "then[0]", "invalid value"),
        ({"then": seconds(NUMBER, only=["horse"])}, "then[0].only[0]", "unknown label 'horse'"),
    ],
)
def test_what_needs_no_model_is_reported_without_it(
    tmp_path: Path, changes: dict[str, Any], path: str, words: str
) -> None:
    found = unseen(tmp_path, **changes)
    assert found[0].place.startswith(path)
    assert words in found[0].what


def test_of_labels_that_only_the_model_knows_it_is_told_that_they_are_not_checked(
    tmp_path: Path,
) -> None:
    file = write_manifest_to(tmp_path, **{**WITHOUT, "labels": "metadata"})
    (problem,) = examine(file, with_models=False).problems
    assert problem.severity == "warning"
    assert (problem.place, problem.line, problem.found) == ("labels", 4, "metadata")
    assert problem.hint == "omit --no-model, or list the labels in the manifest"


def test_the_model_is_not_even_opened(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_text("this is no model")
    assert check_without_model(write_manifest_to(tmp_path, **{**WITHOUT, "model": "model.onnx"}))
