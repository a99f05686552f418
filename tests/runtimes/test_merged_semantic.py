"""`semantic` for labels with several class IDs."""

import numpy as np
import pytest

from runtimes.decoders.saliency import Saliency
from runtimes.decoders.semantic import Semantic
from runtimes.geometry import Geometry
from runtimes.merged_semantic import MergedSemantic, with_merged_classes
from runtimes.view import View


@pytest.mark.parametrize("background", [0, 3, None])
@pytest.mark.parametrize("same", [((1, 3),), ((1, 3), (2, 4)), ((4, 3, 0),)])
def test_classes_of_a_label_get_its_first_id_and_the_background_none(
    same: tuple[tuple[int, ...], ...], background: int | None
) -> None:
    class_map = np.random.default_rng(0).integers(-1, 6, (7, 9)).astype(np.int32)
    merged = MergedSemantic(same=same).merged(class_map, background)
    for before, after in zip(class_map.ravel().tolist(), merged.ravel().tolist(), strict=True):
        group = next((it for it in same if before in it), (before,))
        if before == background:
            assert after == before
        else:
            assert after == next(it for it in group if it != background)


def test_parts_below_the_minimum_area_belong_to_the_mask() -> None:
    ids = np.zeros((1, 10, 10), np.int64)
    ids[0, 2:6, 2:6], ids[0, 6, 2:5] = 2, 3
    view = View((10, 10), (10, 10), Geometry())
    step = MergedSemantic(output="ids", background=0, same=((2, 3),))
    (mask,) = [
        step({"ids": ids}, view, 0.5).masks.crop(0, np.array([0, 0, 10, 10]), (10, 10))  # type: ignore[union-attr]
    ]
    assert mask is not None
    assert mask.bitmap.sum() == 16 + 3


def test_only_semantic_is_changed() -> None:
    assert with_merged_classes(Saliency(), [(1, 2)]) == Saliency()
    assert with_merged_classes(Semantic(per="component"), []) == Semantic(per="component")
    step = with_merged_classes(Semantic(per="component", min_area=9), [(1, 2)])
    assert step == MergedSemantic(per="component", min_area=9, same=((1, 2),))
    assert step.name() == "semantic"


def test_overlapping_classes_of_one_label_have_one_mask() -> None:
    logits = np.full((1, 3, 24, 36), -9, np.float32)
    logits[0, 1, :, :10], logits[0, 2, :, 8:20] = 2, 3
    logits[0, 0, :, 15:] = 1
    step = MergedSemantic(output="o", background=None, activation="sigmoid", same=((1, 2),))
    found = step({"o": logits}, View((24, 36), (24, 36), Geometry()), 0.25)
    assert found.classes.tolist() == [0, 1]
    assert found.boxes.tolist() == [[15, 0, 36, 24], [0, 0, 20, 24]]
    # Columns 0 to 7 have the first class alone, 8 to 19 the second one or both.
    two, three = (1 / (1 + np.exp(-value)) for value in (2, 3))
    assert found.scores[1] == pytest.approx((8 * two + 12 * three) / 20, abs=1e-5)
