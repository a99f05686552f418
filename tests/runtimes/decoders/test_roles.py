import numpy as np
import pytest

from runtimes.decoders.roles import Role, above, names, resolve, rows, to_pixels
from runtimes.errors import BadModel, Fault
from runtimes.signature import Signature, Tensor

BOXES = Role("boxes", "boxes [1, N, 4]", ("box",), ((1, None, 4), (None, 4)))
SCORES = Role("scores", "scores [1, N]", ("score",), ((1, None),))
LABELS = Role("labels", "labels [1, N]", ("label",), ((1, None),), "int")
MASKS = Role("masks", "masks [1, N, h, w]", ("mask",), ((1, None, None, None),), optional=True)
PARTS = [(BOXES, None), (SCORES, None), (LABELS, None), (MASKS, None)]


def model(**outputs: tuple[tuple[int | None, ...], str]) -> Signature:
    return Signature((), tuple(Tensor(name, *it) for name, it in outputs.items()))


@pytest.mark.parametrize(
    ("shape", "pattern"),
    [
        ((1, 300, 4), (1, None, 4)),
        ((None, None, None), (1, None, 4)),
        ((300, 4), (None, 4)),
        ((2, 300, 4), None),
        ((1, 300, 5), None),
        ((4,), None),
    ],
)
def test_a_shape_matches_a_pattern_of_its_rank(
    shape: tuple[int | None, ...], pattern: tuple[int | None, ...] | None
) -> None:
    assert BOXES.pattern(shape) == pattern


def test_names_are_stronger_than_types() -> None:
    found = resolve(
        model(
            score_of_box=((1, 300), "int64"),
            label=((1, 300), "float32"),
            b=((1, 300, 4), "float32"),
        ),
        PARTS,
    )
    assert names(found) == ["b", "score_of_box", "label", None]


def test_types_distinguish_outputs_of_equal_shapes() -> None:
    found = resolve(
        model(a=((1, 300), "int64"), b=((1, 300), "float32"), c=((1, 300, 4), "float32")), PARTS
    )
    assert names(found) == ["c", "b", "a", None]


def test_a_name_in_the_manifest_leaves_the_others_to_the_rest() -> None:
    found = resolve(
        model(a=((1, 300), "float32"), b=((1, 300), "float32")), [(SCORES, "b"), (LABELS, None)]
    )
    assert names(found) == ["b", "a"]


@pytest.mark.parametrize(
    ("parts", "where", "fault"),
    [
        ([(SCORES, "c")], "scores", Fault.OUTPUT_UNKNOWN),
        ([(BOXES, "a")], "boxes", Fault.OUTPUT_LAYOUT),
        ([(BOXES, None)], "boxes", Fault.OUTPUT_MISSING),
        ([(SCORES, None)], "scores", Fault.OUTPUT_AMBIGUOUS),
    ],
)
def test_outputs_that_do_not_fit_are_refused(
    parts: list[tuple[Role, str | None]], where: str, fault: Fault
) -> None:
    with pytest.raises(BadModel) as caught:
        resolve(model(a=((1, 300), "float32"), b=((1, 300), "float32")), parts)
    assert (caught.value.where, caught.value.fault) == (where, fault)


def test_rows_have_no_batch_axes() -> None:
    outputs = {"b": np.zeros((1, 3, 4)), "s": np.zeros((1, 3))}
    boxes, scores = rows(outputs, [(BOXES, "b"), (SCORES, "s")], "step")
    assert (boxes.shape, scores.shape) == ((3, 4), (3,))


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((1, 3), "`step` needs the same number of rows in each output, got boxes 2, scores 3"),
        ((2, 3), r"`step` decodes scores \[1, N\], got \[2, 3\]"),
    ],
)
def test_outputs_of_other_lengths_are_refused(shape: tuple[int, ...], text: str) -> None:
    outputs = {"b": np.zeros((1, 2, 4)), "s": np.zeros(shape)}
    with pytest.raises(BadModel, match=text):
        rows(outputs, [(BOXES, "b"), (SCORES, "s")], "step")


def test_padding_the_background_and_low_scores_are_dropped() -> None:
    scores = np.array([0.9, 0.25, 0.8, 0.7, 0.6, 0.5])
    classes = np.array([1, 2, 0, -1, np.nan, 3])
    assert above(scores, classes, 0.25, first=1).tolist() == [0, 5]
    assert above(scores, classes, 0.25).tolist() == [0, 2, 5]


def test_boxes_are_scaled_to_height_and_width() -> None:
    found = to_pixels(np.array([[0.0, 0.25, 0.5, 1.0]], np.float32), (480, 640))
    assert found.tolist() == [[0, 120, 320, 480]]


def test_a_word_in_a_name_decides_between_outputs_of_one_shape_and_type() -> None:
    outputs = model(my_labels=((1, 300), "float32"), my_scores=((1, 300), "float32"))
    assert names(resolve(outputs, [(SCORES, None), (LABELS, None)])) == ["my_scores", "my_labels"]
