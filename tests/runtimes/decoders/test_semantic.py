from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage import measure

from runtimes.arrays import Array, Size
from runtimes.classes import Classes
from runtimes.decoders.saliency import Saliency
from runtimes.decoders.semantic import Semantic
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.view import View
from tests.grids import grid
from tests.runtimes.decoders.maps import (
    ANY,
    LETTERBOXED,
    ONE,
    PLAIN,
    SMALL,
    STRETCHED,
    VIEWS,
    Per,
    Shape,
    drawn,
    interpolated,
    signature,
)


def check_regions(found: Instances, wanted: Array, per: Per, least: int, unsure: Array) -> None:
    """Compare with a map of classes, -1 for none, except at pixels that rounding may decide."""
    masks = drawn(found, (wanted.shape[0], wanted.shape[1]))
    got = np.full(wanted.shape, -1)
    for mask, number, box in zip(masks, found.classes.tolist(), found.boxes, strict=True):
        assert mask.sum() >= least
        assert (got[mask] == -1).all()
        got[mask] = number
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        edges = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        assert box.tolist() == edges
        parts = ndimage.label(mask, np.ones((3, 3)))[1]
        assert parts == 1 if per == "component" else parts >= 1
    # What is missing is in regions too small to be wanted.
    differing = (got != wanted) & ~unsure
    for number in np.unique(wanted[differing]):
        assert number >= 0
        if per == "class":
            assert (wanted == number).sum() < least + unsure.sum()
            continue
        labels, _ = ndimage.label(wanted == number, np.ones((3, 3)))
        for part in np.unique(labels[differing & (wanted == number)]):
            assert (labels == part).sum() < least + unsure.sum()


@grid(
    ("view", VIEWS),
    ("grid", [(24, 36), (6, 9), (12, 18)]),
    ("per", ["class", "component"]),
    ("layout", ["nchw", "nhwc"]),
)
def test_logits_are_interpolated_and_the_highest_wins(
    view: View, grid: Size, per: Per, layout: str
) -> None:
    logits = np.random.default_rng(4).normal(0, 3, (5, *grid)).astype(np.float32)
    output = logits[None] if layout == "nchw" else logits.transpose(1, 2, 0)[None]
    step = Semantic("o", per=per, background=0, min_area=2)
    found = step({"o": output}, view, 0.0)
    values = np.stack([interpolated(plane, view) for plane in logits])
    seen = ~np.isnan(values[0])
    ordered = np.sort(np.nan_to_num(values), axis=0)
    wanted = np.where(seen, np.nan_to_num(values).argmax(axis=0), -1)
    wanted[wanted == 0] = -1
    # OpenCV may interpolate in steps of 1/32.
    unsure = seen & (ordered[-1] - ordered[-2] < 0.3)
    assert unsure.mean() < 0.25
    check_regions(found, wanted, per, 2, unsure)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 9999), st.integers(2, 40))
def test_skipping_classes_that_cannot_win_does_not_change_the_result(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (count, 6, 9)).astype(np.float32)
    logits[: count // 2] += rng.integers(0, 5)
    found = Semantic("o", background=None, min_area=1)({"o": logits[None]}, SMALL, 0)
    values = np.stack([interpolated(plane, SMALL) for plane in logits])
    best, got = values.max(axis=0), np.full(SMALL.image, -np.inf)
    for mask, number in zip(drawn(found, SMALL.image), found.classes.tolist(), strict=True):
        got[mask] = values[number][mask]
    # Each pixel has a class, and it is the best one, or as good as it.
    assert (got >= best - 0.3).all()
    assert (got == best).mean() > 0.8


@grid(
    ("view", VIEWS),
    ("dtype", ["uint8", "int32", "int64"]),
    ("per", ["class", "component"]),
)
def test_class_ids_are_read_from_the_nearest_cell(view: View, dtype: str, per: Per) -> None:
    labels = np.random.default_rng(1).integers(0, 4, (6, 9)).astype(dtype)
    labels[0, 0] = 255 if dtype == "uint8" else -7
    wanted = np.full(view.image, -1)
    for row in range(view.image[0]):
        for column in range(view.image[1]):
            x = (column + 0.5) * view.geometry.scale_x + view.geometry.shift_x
            y = (row + 0.5) * view.geometry.scale_y + view.geometry.shift_y
            if 0 <= x < 36 and 0 <= y < 24:
                wanted[row, column] = max(-1, int(labels[int(y // 4), int(x // 4)]))
    wanted[wanted == 2] = -1
    nothing = np.zeros(view.image, bool)
    step = Semantic("o", per=per, background=2, min_area=1)
    for output in (labels[None], labels[None, None], labels[None, ..., None]):
        found = step({"o": output}, view, 0.5)
        check_regions(found, wanted, per, 1, nothing)
        assert set(found.scores.tolist()) == {1.0}


@pytest.mark.parametrize("per", ["class", "component"])
def test_boxes_and_areas_agree_with_scikit_image(per: Per) -> None:
    labels = np.random.default_rng(5).integers(0, 3, (24, 36)).astype(np.uint8)
    found = Semantic("o", per=per, background=0, min_area=5)({"o": labels[None]}, PLAIN, 0)
    wanted = []
    for number in (1, 2):
        parts = measure.label(labels == number, connectivity=2) if per == "component" else None
        regions = (labels == number).astype(int) if parts is None else parts
        for region in measure.regionprops(regions):
            y1, x1, y2, x2 = region.bbox
            if region.area >= 5:
                wanted.append((number, [x1, y1, x2, y2], int(region.area)))
    areas = [int(mask.sum()) for mask in drawn(found, PLAIN.image)]
    got = zip(found.classes.tolist(), found.boxes.tolist(), areas, strict=True)
    assert sorted(got) == sorted(wanted)
    assert wanted


def test_a_score_is_the_mean_probability_of_the_best_class() -> None:
    logits = np.zeros((1, 3, 24, 36), np.float32)
    logits[0, 1, :, :12] = 2.0
    logits[0, 2, :, 12:24] = 3.0
    logits[0, 2, :, 24:] = 1.0
    found = Semantic("o", background=None)({"o": logits}, PLAIN, 0.0)
    two, three, one = (exp(value) / (exp(value) + 2) for value in (2, 3, 1))
    assert found.classes.tolist() == [1, 2]
    assert found.scores.tolist() == pytest.approx([two, (three + one) / 2], abs=1e-6)
    assert len(Semantic("o", background=None)({"o": logits}, PLAIN, two + 0.001)) == 0
    # The same by sigmoid: only the best class's own logit counts.
    sigmoid = Semantic("o", background=None, activation="sigmoid", overlap=False)
    each = sigmoid({"o": logits}, PLAIN, 0.0)
    wanted = [1 / (1 + exp(-2)), (1 / (1 + exp(-3)) + 1 / (1 + exp(-1))) / 2]
    assert each.scores.tolist() == pytest.approx(wanted, abs=1e-6)


def test_probabilities_of_several_classes_need_no_activation() -> None:
    output = np.full((1, 3, 24, 36), 0.125, np.float32)
    output[0, 1, :, :18] = 0.75
    output[0, 2, :, 18:] = 0.5
    step = Semantic("o", activation="none")
    assert step({"o": output}, PLAIN, 0.0).scores.tolist() == [0.75, 0.5]
    assert step({"o": output}, PLAIN, 0.5).scores.tolist() == [0.75]
    with pytest.raises(BadModel, match="not probabilities") as caught:
        step({"o": output * 9}, PLAIN, 0.5)
    assert caught.value.found == "values from 4.5 to 6.75"


@grid(
    ("view", VIEWS),
    ("output", ["nchw", "nhwc", "nhw"]),
    ("step", [Semantic("o", min_area=1), Saliency("o", min_area=1)]),
)
def test_a_single_probability_is_interpolated_before_the_threshold(
    view: View, output: str, step: Semantic | Saliency
) -> None:
    values = np.random.default_rng(2).random((6, 9)).astype(np.float32)
    shape = {"nchw": (1, 1, 6, 9), "nhwc": (1, 6, 9, 1), "nhw": (1, 6, 9)}[output]
    found = step({"o": values.reshape(shape)}, view, 0.0)
    sampled = interpolated(values, view)
    unsure = np.abs(sampled - 0.5) < 0.03
    wanted = np.where(np.nan_to_num(sampled) > 0.5, 0, -1)
    check_regions(found, wanted, "class", 1, unsure)
    assert found.classes.tolist() == [0]
    assert found.scores[0] == pytest.approx(sampled[wanted == 0].mean(), abs=0.01)


@pytest.mark.parametrize("step", [Semantic("o"), Saliency("o")])
def test_the_padding_of_a_letterbox_gives_no_instances(step: Semantic | Saliency) -> None:
    values = np.zeros((1, 1, 24, 36), np.float32)
    values[..., :4, :] = values[..., 20:, :] = 1  # above and below the image
    assert len(step({"o": values}, LETTERBOXED, 0.5)) <= 1
    values[..., :5, :] = 0
    values[..., 19:, :] = 0
    values[..., 0:3, :] = 1
    found = step({"o": values}, LETTERBOXED, 0.0)
    assert (len(found), found.boxes.shape) == (0, (0, 4))


@pytest.mark.parametrize("step", [Saliency("o", per="component"), Semantic("o", per="component")])
def test_regions_that_touch_at_a_corner_are_connected(step: Semantic | Saliency) -> None:
    values = np.zeros((1, 1, 24, 36), np.float32)
    values[0, 0, 2:8, 2:8] = 0.75
    values[0, 0, 8:14, 8:14] = 1.0
    values[0, 0, 18:22, 18:22] = 0.875  # 16 pixels: just enough
    values[0, 0, 1:4, 30:35] = 1.0  # 15 pixels
    found = step({"o": values}, PLAIN, 0.5)
    assert sorted(found.boxes.tolist()) == [[2, 2, 14, 14], [18, 18, 22, 22]]
    assert sorted(found.scores.tolist()) == [0.875, 0.875]
    assert sorted(int(mask.sum()) for mask in drawn(found, PLAIN.image)) == [16, 72]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("step", [Saliency("o", level=0.25), Semantic("o", level=0.25)])
def test_a_score_at_the_threshold_is_not_above_it(step: Semantic | Saliency, dtype: str) -> None:
    values = np.full((1, 1, 24, 36), 0.625, dtype)
    assert len(step({"o": values}, PLAIN, 0.625)) == 0
    assert len(step({"o": values}, PLAIN, 0.62)) == 1
    single = np.full((1, 1, 24, 36), 0.3, np.float32)
    assert len(step({"o": single}, PLAIN, 0.3)) == 0
    assert len(step({"o": np.full((1, 1, 24, 36), 0.25, dtype)}, PLAIN, 0.1)) == 0  # at the level


def test_half_precision_logits_that_overflow_are_no_error() -> None:
    logits = np.zeros((1, 3, 24, 36), np.float16)
    logits[0, 1, :, :18] = np.inf
    logits[0, 2, :, 18:] = 60000
    logits[0, 0, 5, 30] = np.nan
    found = Semantic("o")({"o": logits}, PLAIN, 0.5)
    assert np.isfinite(found.scores).all()


@pytest.mark.parametrize(
    ("step", "shape", "message"),
    [
        (Semantic("o"), (2, 3, 24, 36), r"got \[2, 3, 24, 36\]"),
        (Semantic("o"), (24, 36), r"got \[24, 36\]"),
        (Semantic("o"), (1, 3, 0, 36), r"got \[1, 3, 0, 36\]"),
        (Semantic("o"), (1, 3, 36, 24), "24x36, but the output is 36x24"),
        (Semantic("o", layout="nhwc"), (1, 3, 24, 36), "the output is 3x24 "),
        (Saliency("o"), (1, 2, 24, 36), r"got \[1, 2, 24, 36\]"),
        (Saliency("o"), (24, 36), r"got \[24, 36\]"),
        (Saliency("o"), (1, 1, 36, 24), "24x36, but the output is 36x24"),
    ],
)
def test_outputs_of_another_shape_are_refused(
    step: Semantic | Saliency, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(BadModel, match=message):
        step({"o": np.zeros(shape, np.float32)}, PLAIN, 0.5)


def test_integers_in_several_channels_are_refused() -> None:
    with pytest.raises(BadModel, match=r"integers \[1, h, w\], got \[1, 3, 24, 36\]"):
        Semantic("o")({"o": np.zeros((1, 3, 24, 36), np.int64)}, PLAIN, 0.5)
    with pytest.raises(BadModel, match="3 channels of integers"):
        Semantic().bind(signature((1, 3, 24, 36), dtype="int64"), ANY)


@pytest.mark.parametrize(
    ("shape", "classes", "found"),
    [
        ((1, 19, 128, 256), Classes(19, exact=True), 19),
        ((1, 128, 256, 19), Classes(19, exact=True), 19),
        ((1, 150, 96, 128), Classes(150, exact=True), None),
        ((1, 150, 128, 128), Classes(5, exact=False), 150),
        ((1, 128, 128, 150), Classes(5, exact=False), 150),
        ((1, 19, None, None), Classes(19, exact=True), 19),
        ((1, None, None, 19), Classes(19, exact=True), 19),
        ((None, None, None, None), Classes(19, exact=True), None),
        ((1, 1, 128, 256), ONE, 1),
        ((1, 128, 256, 1), ONE, 1),
        ((1, 128, 256), ONE, 1),
    ],
)
def test_bind_derives_the_layout(shape: Shape, classes: Classes, found: int | None) -> None:
    assert Semantic().bind(signature(shape), classes) == Semantic("output0", background=0)
    if found is not None:
        with pytest.raises(BadModel, match=f"the model has {found} classes"):
            Semantic().bind(signature(shape), Classes(777, exact=True))


@pytest.mark.parametrize("count", [1, 2, 3, 6, 9, 50])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_the_layout_is_derived_for_any_number_of_channels(count: int, layout: str) -> None:
    logits = np.zeros((count, 6, 9), np.float32)
    logits[-1] = 1
    output = logits[None] if layout == "nchw" else logits.transpose(1, 2, 0)[None]
    found = Semantic("o", background=None)({"o": output}, STRETCHED, 0.0)
    assert found.classes.tolist() == [count - 1]
    assert found.boxes.tolist() == [[0, 0, 90, 50]]


@pytest.mark.parametrize("shape", [(1, 512, 512), (1, 1, 512, 512), (1, None, None)])
def test_bind_of_class_ids_does_not_check_the_class_count(shape: Shape) -> None:
    outputs = signature(shape, dtype="uint8")
    assert Semantic().bind(outputs, Classes(19, exact=True)).output == "output0"


@pytest.mark.parametrize(
    ("names", "background"),
    [
        ("{0: 'road', 1: 'sidewalk', 10: 'background'}", None),
        ("{0: 'background', 1: 'cat'}", 0),
        ('{0: "__background__", 1: "cat"}', 0),
        ('{"0": "road", "1": "sidewalk"}', None),
        ('{"0": "background", "1": "cat"}', 0),
        ("['road', 'sidewalk']", None),
        ('["background", "cat"]', 0),
        ("", 0),
        ("not what the key says", 0),
    ],
)
def test_class_0_is_the_background_unless_the_model_names_it_otherwise(
    names: str, background: int | None
) -> None:
    outputs = signature((1, 64, 64), dtype="uint8", metadata={"names": names, "task": "semantic"})
    assert Semantic().bind(outputs, ANY).background == background
    assert Semantic(background=3).bind(outputs, ANY).background == 3
    assert Semantic(background=None).bind(outputs, ANY).background is None


def test_semantic_binds_by_name() -> None:
    both = signature((1, 21, 64, 64), (1, 21, 32, 32))
    assert Semantic("output1").bind(both, Classes(21, exact=True)).output == "output1"
    with pytest.raises(BadModel, match="2 outputs could hold"):
        Semantic().bind(both, Classes(21, exact=True))


@pytest.mark.parametrize(
    ("shape", "classes", "message"),
    [
        ((1, 21, 64, 64), Classes(20, exact=True), "the model has 21 classes, the manifest 20"),
        ((1, 64, 64), Classes(3, exact=True), "the model has 1 classes, the manifest 3"),
        ((4, 21, 64, 64), ANY, r"output0 \[4, 21, 64, 64\]"),
        ((1, 21), ANY, "0 outputs could hold"),
    ],
)
def test_semantic_refuses_outputs_that_do_not_fit(
    shape: Shape, classes: Classes, message: str
) -> None:
    with pytest.raises(BadModel, match=message):
        Semantic().bind(signature(shape), classes)


def test_semantic_refuses_a_model_of_another_task() -> None:
    with pytest.raises(BadModel, match="task: segment"):
        Semantic().bind(signature((1, 32, 64, 64), metadata={"task": "segment"}), ANY)


@pytest.mark.parametrize(
    ("zero", "names", "background"),
    [
        ("wall", "", None),
        ("wall", "{0: 'background', 1: 'cat'}", None),
        ("background", "", 0),
        ("_Background_", "{0: 'road'}", 0),
        (None, "", 0),
        (None, "{0: 'road'}", None),
    ],
)
def test_the_name_of_class_0_in_the_labels_decides_whether_it_is_the_background(
    zero: str | None, names: str, background: int | None
) -> None:
    outputs = signature((1, 3, 64, 64), metadata={"names": names} if names else {})
    classes = Classes(3, exact=True, zero=zero)
    assert Semantic().bind(outputs, classes).background == background
    assert Semantic(background=2).bind(outputs, classes).background == 2


def chance(logit: float) -> float:
    return 1 / (1 + exp(-logit))


@pytest.mark.parametrize("in_graph", [False, True])
def test_independent_classes_overlap_where_each_is_above_the_level(in_graph: bool) -> None:
    logits = np.full((1, 3, 24, 36), -9, np.float32)
    logits[0, 0, :, :20] = 1
    logits[0, 1, 4:, 10:30] = 2
    logits[0, 1, :4] = 0.5  # below a level of 0.75, above 0.5
    values = np.array(1 / (1 + np.exp(-logits)), np.float32) if in_graph else logits
    step = Semantic(
        "o",
        background=None,
        activation="none" if in_graph else "sigmoid",
        overlap=True if in_graph else None,
        level=0.7,
    )
    found = step({"o": values}, PLAIN, 0.25)
    expected = np.array(logits[0] > -np.log(1 / 0.7 - 1))
    assert found.classes.tolist() == [0, 1]
    assert found.scores.tolist() == pytest.approx([chance(1), chance(2)], abs=1e-5)
    assert found.boxes.tolist() == [[0, 0, 20, 24], [10, 4, 30, 24]]
    masks = list(drawn(found, PLAIN.image))
    assert np.array_equal(masks, expected[:2])
    assert (masks[0] & masks[1]).any()


def test_components_of_overlapping_classes_are_instances_of_their_own() -> None:
    logits = np.full((1, 2, 24, 36), -9, np.float32)
    logits[0, :, :, :8] = 3
    logits[0, 0, :, 20:] = 5
    step = Semantic("o", per="component", background=None, activation="sigmoid")
    found = step({"o": logits}, PLAIN, 0.25)
    assert found.classes.tolist() == [0, 0, 1]
    assert found.boxes[:, [0, 2]].tolist() == [[0, 8], [20, 36], [0, 8]]
    assert [int(mask.sum()) for mask in drawn(found, PLAIN.image)] == [192, 384, 192]
    # Each of them can be selected.
    assert int(next(iter(drawn(found.take(np.array([1])), PLAIN.image))).sum()) == 384


def test_the_background_of_overlapping_classes_is_one_that_is_named_so() -> None:
    for zero, background in ((None, None), ("wall", None), ("background", 0)):
        classes = Classes(3, exact=True, zero=zero)
        bound = Semantic(activation="sigmoid").bind(signature((1, 3, 24, 36)), classes)
        assert bound.background == background
    logits = np.full((1, 2, 24, 36), 3, np.float32)
    found = Semantic("o", background=0, activation="sigmoid")({"o": logits}, PLAIN, 0.25)
    assert found.classes.tolist() == [1]


def test_nothing_above_the_level_gives_no_instances() -> None:
    logits = np.full((1, 2, 24, 36), -3, np.float32)
    assert len(Semantic("o", activation="sigmoid")({"o": logits}, PLAIN, 0.0)) == 0


def test_a_softmax_does_not_overlap() -> None:
    step = Semantic("o", activation="softmax", overlap=True)
    with pytest.raises(BadModel, match="exclude each other"):
        step({"o": np.zeros((1, 2, 24, 36), np.float32)}, PLAIN, 0.0)


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Semantic() == Semantic(per="class", level=0.5, min_area=16)
