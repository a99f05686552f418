import pytest

from builder.families.catalog.detr import DETR
from builder.families.catalog.rtdetr import RTDETR
from builder.model.graph import Node
from tests.builder.families.made import IMAGE, Shape, decoders, evidence, matches

QUERIES: dict[str, Shape] = {"logits": (1, 10, 4), "pred_boxes": (1, 10, 4)}
SAMPLED = [Node("GridSample", ("x",), ("g",))]
ATTENTION = [Node("Softmax", ("x",), ("s",)), Node("MatMul", ("x", "w"), ("m",))]


@pytest.mark.parametrize(
    ("nodes", "detr", "rtdetr"),
    [
        (ATTENTION, ["STRUCTURE"], []),
        ([*ATTENTION, *SAMPLED], [], ["STRUCTURE"]),
        ([], ["SHAPE"], ["SHAPE"]),
    ],
    ids=["attention", "sampling", "neither"],
)
def test_sampling_tells_rtdetr_from_detr(
    nodes: list[Node], detr: list[str], rtdetr: list[str]
) -> None:
    found = evidence(QUERIES, nodes=nodes)
    assert [strength for _, strength in decoders(DETR, found)] == detr
    assert [strength for _, strength in decoders(RTDETR, found)] == rtdetr


def test_detr_has_a_class_for_no_object() -> None:
    (detr,), (rtdetr,) = (matches(it, evidence(QUERIES)) for it in (DETR, RTDETR))
    assert detr.classes is not None
    assert rtdetr.classes is not None
    assert (detr.classes.count, rtdetr.classes.count) == (3, 4)


def test_rfdetr_is_normalized_and_is_no_detr() -> None:
    found = evidence({"dets": (1, 10, 4), "labels": (1, 10, 91)})
    assert decoders(DETR, found) == []
    (match,) = matches(RTDETR, found)
    assert match.name == "RF-DETR"
    assert "mean" in match.preprocess[1].fields


DEPLOYED: dict[str, Shape] = {"labels": (1, 300), "boxes": (1, 300, 4), "scores": (1, 300)}
SIZED: dict[str, Shape] = {**IMAGE, "orig_target_sizes": (1, 2)}


def test_the_authors_export_takes_the_size_of_the_image() -> None:
    chosen = [Node("Mod", ("index", "classes"), ("labels",))]
    found = evidence(DEPLOYED, SIZED, nodes=chosen, constants={"classes": (13.0,)})
    (match,) = matches(RTDETR, found)
    assert match.postprocess[0].name == "rtdetr_deploy"
    assert match.classes is not None
    assert match.classes.count == 13
    assert matches(RTDETR, evidence(DEPLOYED)) == []
    without_boxes: dict[str, Shape] = {"labels": (1, 300), "a": (1, 300), "scores": (1, 300)}
    assert matches(RTDETR, evidence(without_boxes, SIZED)) == []


def test_without_a_choice_classes_are_those_that_are_scored() -> None:
    nodes = [
        Node("MatMul", ("x", "w"), ("logits",)),
        Node("Sigmoid", ("logits",), ("sure",)),
        Node("ReduceMax", ("sure",), ("scores",)),
    ]
    found = evidence(DEPLOYED, SIZED, nodes=nodes, constants={"w": (0.0,) * 7})
    (match,) = matches(RTDETR, found)
    assert match.classes is not None
    assert match.classes.count == 7


NAMED = {"task": "detect", "names": "{0: 'a', 1: 'b', 2: 'c'}"}


@pytest.mark.parametrize(
    ("columns", "metadata", "nodes", "strength"),
    [
        (7, {"description": "Ultralytics rtdetr-l model"}, [], "METADATA"),
        (7, NAMED, [], "METADATA"),
        (8, NAMED, [], None),
        (7, {}, SAMPLED, "STRUCTURE"),
        (84, {}, [], "SHAPE"),
        (7, {}, [], None),
        (4, {}, SAMPLED, None),
    ],
)
def test_ultralytics_export_has_boxes_beside_scores(
    columns: int, metadata: dict[str, str], nodes: list[Node], strength: str | None
) -> None:
    # 84 is the number of cells over 64 x 64, too.
    inputs: dict[str, Shape] = {"images": (1, 3, 640, 640)}
    found = evidence({"output0": (1, 300, columns)}, inputs, nodes=nodes, metadata=metadata)
    assert decoders(RTDETR, found) == ([("rtdetr_concat", strength)] if strength else [])


@pytest.mark.parametrize("queries", [10, 5000])
def test_few_or_many_rows_are_no_queries(queries: int) -> None:
    found = evidence({"output0": (1, queries, 7)}, nodes=SAMPLED)
    assert decoders(RTDETR, found) == []


def test_candidates_of_a_raw_head_are_no_columns() -> None:
    assert decoders(RTDETR, evidence({"output0": (1, 60, 84)}, nodes=SAMPLED)) == []
