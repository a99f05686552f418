import pytest

from builder.families.query_heads import is_rfdetr, logits_and_boxes, selecting_operations
from builder.model.graph import Node
from tests.builder.families.made import IMAGE, Shape, evidence, tensors


@pytest.mark.parametrize(
    "outputs",
    [
        {"logits": (1, 10, 4), "pred_boxes": (1, 10, 4)},
        {"pred_boxes": (1, 10, 4), "logits": (1, None, 4)},
        {"dets": (1, 10, 4), "labels": (1, 10, 91)},
        {"a": (1, 10, 4), "b": (1, 10, 91)},
        {"logits": (1, 10, 4), "pred_boxes": (1, 10, 4), "last_hidden_state": (1, 10, 256)},
    ],
)
def test_logits_and_boxes_are_known_by_name_or_shape(outputs: dict[str, Shape]) -> None:
    logits, boxes = logits_and_boxes(evidence(outputs))
    assert logits is not None
    assert boxes is not None
    assert boxes.shape[2] == 4
    assert logits.name in ("logits", "labels", "b")


@pytest.mark.parametrize(
    "outputs",
    [
        {"pred_boxes": (1, 10, 4)},
        {"logits": (1, 10, 4), "pred_boxes": (1, 10, 5)},
        {"logits": (1, 11, 4), "pred_boxes": (1, 10, 4)},
        {"a": (1, 10, 91), "b": (1, 10, 91), "pred_boxes": (1, 10, 4)},
        {"logits": (1, 8400, 80), "pred_boxes": (1, 8400, 4)},
    ],
)
def test_other_outputs_are_no_queries(outputs: dict[str, Shape]) -> None:
    assert logits_and_boxes(evidence(outputs)) == (None, None)


def test_integer_labels_are_no_logits() -> None:
    outputs: dict[str, Shape] = {"labels": (1, 10, 1), "boxes": (1, 10, 4)}
    assert logits_and_boxes(evidence(outputs, dtypes={"labels": "int64"})) == (None, None)


def test_a_model_with_a_second_input_is_not_one_of_queries() -> None:
    outputs: dict[str, Shape] = {"logits": (1, 10, 4), "pred_boxes": (1, 10, 4)}
    inputs: dict[str, Shape] = {**IMAGE, "orig_target_sizes": (1, 2)}
    assert logits_and_boxes(evidence(outputs, inputs)) == (None, None)


def test_the_operations_that_select_queries_are_listed() -> None:
    nodes = [Node(op, ("x",), (op,)) for op in ("TopK", "GridSample", "Conv")]
    found = evidence({"y": (1, 2)}, nodes=nodes)
    assert selecting_operations(found) == ["GridSample", "TopK"]
    assert selecting_operations(evidence({"y": (1, 2)})) == []


def test_rfdetr_is_known_by_both_names() -> None:
    dets, labels, boxes = tensors({"dets": (1, 9, 4), "labels": (1, 9, 5), "boxes": (1, 9, 4)})
    assert is_rfdetr(labels, dets)
    assert not is_rfdetr(labels, boxes)
