"""Counting the classes of models with final detections by their graphs.

Each model has the operations that its exporter writes, and a number of classes that occurs nowhere
else in it.
"""

from pathlib import Path

import numpy as np
import openvino
import pytest
import yaml
from onnx import TensorProto
from openvino import opset8

from builder.families.init import draft_manifest, write_manifest
from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS
from builder.targets.build import build
from tests import zoo
from tests.builder.conftest import png
from tests.grids import quick_and_slow
from tests.local_function import LocalFunction
from tests.zoo import BOX, SCORE, UNIT, Maker, Net

CANDIDATES = 12


def candidates(classes: int, last: bool = True) -> np.ndarray:
    """(1, CANDIDATES, classes) scores, or with the classes first; the first one is of class 1."""
    scores = np.zeros((1, CANDIDATES, classes), np.float32)
    scores[0, 0, 1] = SCORE
    return scores if last else scores.transpose(0, 2, 1)


def boxes() -> np.ndarray:
    """(1, CANDIDATES, 4): BOX, and others that do not touch it."""
    rows = np.tile(np.array([0, 50, 4, 54], np.float32), (1, CANDIDATES, 1))
    rows[0, 0] = BOX
    return rows


def whole(net: Net, *numbers: int) -> str:
    """A constant of whole numbers."""
    return net.fixed(list(numbers), np.int64)


def suppressed(net: Net, places: str, scores: str) -> list[str]:
    """NonMaxSuppression's image, class and box numbers of what is left."""
    limits = [net.fixed([9], np.int64), net.fixed([0.5]), net.fixed([0.1])]
    chosen = net("NonMaxSuppression", places, scores, *limits)
    return [
        net("Squeeze", net("Gather", chosen, whole(net, column), axis=1), whole(net, 1))
        for column in range(3)
    ]


def mmdeploy(classes: int) -> Maker:
    """MMDeploy's multiclass_nms for one image: the best by their best scores, NMS, sorted."""

    def make(path: Path) -> Path:
        net = zoo.image("input")
        scores = net.known(candidates(classes))
        best = net("ReduceMax", scores, axes=[2], keepdims=0)
        _, first = net.several("TopK", 2, net("Squeeze", best), whole(net, 10), axis=0)
        scores = net("Transpose", net("Gather", scores, first, axis=1), perm=[0, 2, 1])
        places = net("Gather", net.known(boxes()), first, axis=1)
        _, numbers, rows = suppressed(net, places, scores)
        kept = net("Gather", net("Squeeze", places, whole(net, 0)), rows, axis=0)
        pair = net(
            "Concat", *(net("Unsqueeze", it, whole(net, 1)) for it in (numbers, rows)), axis=1
        )
        sure = net("GatherND", net("Squeeze", scores, whole(net, 0)), pair)
        dets = net("Concat", kept, net("Unsqueeze", sure, whole(net, 1)), axis=1)
        dets = net("Unsqueeze", dets, whole(net, 0))
        dets = net("Concat", dets, net.fixed(np.zeros((1, 1, 5))), axis=1)
        labels = net("Unsqueeze", numbers, whole(net, 0))
        labels = net("Concat", labels, net.fixed([[0]], np.int64), axis=1)
        column = net("Gather", dets, net.fixed(4, np.int64), axis=2)
        _, order = net.several("TopK", 2, column, whole(net, 1), axis=1)
        order = net("Squeeze", order, whole(net, 0))
        net.give("dets", net("Gather", dets, order, axis=1), (1, "n", 5))
        net.give("labels", net("Gather", labels, order, axis=1), (1, "n"), "int64")
        return net.save(path)

    return make


def mmdeploy_batched(classes: int) -> Maker:
    """The same for several images: repeated, and filled up where rows are another image's."""

    def make(path: Path) -> Path:
        net = zoo.image("input")
        scores = net("Transpose", net.known(candidates(classes)), perm=[0, 2, 1])
        places = net.known(boxes())
        images, numbers, rows = suppressed(net, places, scores)
        own = net("Equal", images, whole(net, 0))
        labels = net("Tile", net("Unsqueeze", numbers, whole(net, 0)), whole(net, 1, 1))
        labels = net("Where", own, labels, whole(net, -1))
        kept = net("Gather", places, rows, axis=1)
        sure = net("ReduceMax", net("Gather", scores, rows, axis=2), axes=[1], keepdims=0)
        dets = net("Concat", kept, net("Unsqueeze", sure, whole(net, 2)), axis=2)
        net.give("dets", dets, (1, "n", 5))
        net.give("labels", labels, (1, "n"), "int64")
        return net.save(path)

    return make


def yolov7(classes: int) -> Maker:
    """YOLOv7's End2End for ONNX Runtime: boxes moved apart by class, one list for NMS."""

    def make(path: Path) -> Path:
        net = zoo.image()
        scores, places = net.known(candidates(classes)), net.known(boxes())
        best = net("ReduceMax", scores, axes=[2], keepdims=1)
        number = net("ArgMax", scores, axis=2, keepdims=1)
        far = net("Mul", net("Cast", number, to=TensorProto.FLOAT), net.fixed(640.0))
        images, _, rows = suppressed(
            net, net("Add", places, far), net("Transpose", best, perm=[0, 2, 1])
        )
        pair = net(
            "Concat", *(net("Unsqueeze", it, whole(net, 1)) for it in (images, rows)), axis=1
        )
        parts = [
            net("Unsqueeze", net("Cast", images, to=TensorProto.FLOAT), whole(net, 1)),
            net("GatherND", places, pair),
            net("Cast", net("GatherND", number, pair), to=TensorProto.FLOAT),
            net("GatherND", best, pair),
        ]
        net.give("output", net("Concat", *parts, axis=1), ("n", 7))
        return net.save(path)

    return make


def nms_inside(classes: int) -> Maker:
    """Ultralytics' nms=True: rows filled up to 300, without what the file would say of itself."""

    def make(path: Path) -> Path:
        net = zoo.image()
        scores, places = net.known(candidates(classes)), net.known(boxes())
        best = net("ReduceMax", scores, axes=[2], keepdims=0)
        number = net("Cast", net("ArgMax", scores, axis=2, keepdims=0), to=TensorProto.FLOAT)
        far = net("Unsqueeze", net("Mul", number, net.fixed(7680.0)), whole(net, 2))
        *_, rows = suppressed(net, net("Add", places, far), net("Unsqueeze", best, whole(net, 1)))
        parts = [
            net("Gather", net("Squeeze", it, whole(net, 0)), rows, axis=0)
            for it in (places, *(net("Unsqueeze", it, whole(net, 2)) for it in (best, number)))
        ]
        table = net("Concat", *parts, axis=1)
        missing = net("Sub", whole(net, 300), net("Gather", net("Shape", table), whole(net, 0)))
        pads = net("Concat", whole(net, 0, 0), missing, whole(net, 0), axis=0)
        net.give("output0", net("Unsqueeze", net("Pad", table, pads), whole(net, 0)), (1, 300, 6))
        return net.save(path)

    return make


def yolov10(classes: int) -> Maker:
    """YOLOv10's own: the best of all scores in one list, from whose places the classes follow."""

    def make(path: Path) -> Path:
        net = zoo.image()
        table = np.zeros((1, 400, classes), np.float32)
        table[0, 0, 1] = SCORE
        places = np.zeros((1, 400, 4), np.float32)
        places[0, 0] = BOX
        flat = net("Flatten", net.known(table))
        best, index = net.several("TopK", 2, flat, whole(net, 300), axis=1)
        number = net("Mod", index, net.fixed(classes, np.int64))
        row = net("Div", index, net.fixed(classes, np.int64))
        kept = net(
            "GatherND", net.known(places), net("Unsqueeze", row, whole(net, 2)), batch_dims=1
        )
        columns = [
            net("Unsqueeze", it, whole(net, 2))
            for it in (best, net("Cast", number, to=TensorProto.FLOAT))
        ]
        net.give("output0", net("Concat", kept, *columns, axis=2), (1, 300, 6))
        return net.save(path)

    return make


def boxes_and_labels(classes: int) -> Maker:
    """`boxes` [N, 5] and `labels` [N], the best class by TopK as OpenVINO writes ArgMax."""

    def make(path: Path) -> Path:
        net = zoo.image("image")
        scores = net.known(candidates(classes)[0])
        best, number = net.several("TopK", 2, scores, whole(net, 1), axis=1)
        places = net("Squeeze", net.known(boxes()), whole(net, 0))
        net.give("boxes", net("Concat", places, best, axis=1), (CANDIDATES, 5))
        net.give("labels", net("Squeeze", number, whole(net, 1)), (CANDIDATES,), "int64")
        return net.save(path)

    return make


MAKERS = {
    "mmdeploy": (mmdeploy, 5, "NonMaxSuppression takes scores of 5 classes"),
    "mmdeploy batched": (mmdeploy_batched, 6, "NonMaxSuppression takes scores of 6 classes"),
    "yolov7": (yolov7, 9, "ArgMax takes the best of 9 scores"),
    "nms inside": (nms_inside, 11, "ArgMax takes the best of 11 scores"),
    "yolov10": (yolov10, 13, "the remainder of a division by 13"),
    "boxes and labels": (boxes_and_labels, 17, "TopK takes the best of 17 scores"),
}


@pytest.mark.parametrize("name", MAKERS)
def test_classes_are_counted_by_the_graph(tmp_path: Path, name: str) -> None:
    make, classes, why = MAKERS[name]
    draft = draft_manifest([make(classes)(tmp_path / "m.onnx")], tmp_path)
    write_manifest(draft.text, tmp_path / "m.yaml", force=False)
    assert draft.ranking.matches[0].classes is not None
    labels = yaml.safe_load(draft.text)["labels"]
    assert labels == [f"class_{number}" for number in range(classes)]
    above, _ = draft.text.split("\n  - class_0")
    comments = " ".join(above.replace("\n# ", " ").split())
    assert why in comments
    assert "guessed: the number of classes is unknown" not in comments
    folder = build(plan(tmp_path / "m.yaml"), tmp_path / "build", force=False).folder
    for variant in VARIANTS:
        (item,) = LocalFunction(folder, variant)(png(64, 64)).body
        assert item["label"] == "class_1"
        assert item["points"] == pytest.approx(BOX, abs=0.05)


@pytest.mark.parametrize(
    "name", quick_and_slow(MAKERS, ["mmdeploy", "yolov7", "yolov10", "boxes and labels"])
)
def test_classes_are_counted_by_the_graph_of_an_ir(tmp_path: Path, name: str) -> None:
    make, classes, _ = MAKERS[name]
    model = openvino.convert_model(make(classes)(tmp_path / "source.onnx"))
    openvino.save_model(model, tmp_path / "m.xml", compress_to_fp16=False)
    draft = draft_manifest([tmp_path / "m.xml"], tmp_path)
    labels = yaml.safe_load(draft.text)["labels"]
    assert labels == [f"class_{number}" for number in range(classes)]


PRIORS = 6


def detection_output(path: Path, classes: int, *, normalized: bool, background: int) -> Path:
    """An SSD as OpenVINO has it: priors, none of them moved, and one of them sure of class 2."""
    image = opset8.parameter([1, 3, 64, 64], np.float32, "image")
    nothing = opset8.multiply(
        opset8.reduce_max(image, np.array([0, 1, 2, 3])), np.array(0, np.float32)
    )
    scores = np.zeros((PRIORS, classes), np.float32)
    scores[0, 2] = SCORE
    if background >= 0:
        scores[:, background] = 1 - scores.sum(1)
    corners = np.array(UNIT if normalized else (0, *BOX), np.float32)
    # The variances, with which moves of priors would be multiplied, are in the second row.
    proposals = np.stack([np.tile(corners, PRIORS), np.full(PRIORS * len(corners), 0.1)])[None]
    found = opset8.detection_output(
        opset8.add(nothing, np.zeros((1, PRIORS * 4), np.float32)),
        opset8.add(nothing, scores.reshape(1, -1)),
        opset8.constant(proposals.astype(np.float32)),
        {
            "background_label_id": background,
            "top_k": 10,
            "keep_top_k": [10],
            "nms_threshold": 0.45,
            "confidence_threshold": 0.1,
            "code_type": "caffe.PriorBoxParameter.CORNER",
            "normalized": normalized,
            "input_height": 64,
            "input_width": 64,
            "share_location": True,
            "variance_encoded_in_target": False,
        },
    )
    found.output(0).set_names({"detection_out"})
    openvino.save_model(openvino.Model([found], [image]), path, compress_to_fp16=False)
    return path


@pytest.mark.parametrize(
    ("normalized", "background", "labels", "found"),
    [(True, 0, 20, "class_1"), (False, 0, 20, "class_1"), (True, -1, 21, "class_2")],
)
def test_classes_of_an_ssd_are_counted_by_its_priors(
    tmp_path: Path, normalized: bool, background: int, labels: int, found: str
) -> None:
    path = detection_output(tmp_path / "m.xml", 21, normalized=normalized, background=background)
    draft = draft_manifest([path], tmp_path)
    write_manifest(draft.text, tmp_path / "m.yaml", force=False)
    data = yaml.safe_load(draft.text)
    assert data["labels"] == [f"class_{number}" for number in range(labels)]
    assert "guessed: the number of classes is unknown" not in draft.text
    folder = build(plan(tmp_path / "m.yaml"), tmp_path / "build", force=False).folder
    (item,) = LocalFunction(folder, "cpu")(png(64, 64)).body
    assert item["label"] == found
    if normalized:
        assert item["points"] == pytest.approx(BOX, abs=0.05)


@pytest.mark.parametrize("make", [zoo.ssd, zoo.mmdeploy, zoo.openvino_boxes, zoo.efficient_nms])
def test_an_unknown_count_is_guessed_and_marked(tmp_path: Path, make: Maker) -> None:
    text = draft_manifest([make(tmp_path / "m.onnx")], tmp_path).text
    assert len(yaml.safe_load(text)["labels"]) == 80
    assert "guessed: the number of classes is unknown; 80 numbered" in text


def test_one_list_of_boxes_does_not_mean_one_class(tmp_path: Path) -> None:
    # NonMaxSuppression over one list of scores: class numbers come from elsewhere.
    text = draft_manifest([zoo.yolov7_nms(tmp_path / "m.onnx")], tmp_path).text
    assert len(yaml.safe_load(text)["labels"]) == 80
