"""What the heads of all trackers share: binding of outputs and checks of shapes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from runtimes.errors import BadModel
from runtimes.interfaces import Tracking
from runtimes.trackers.ostrack import Ostrack
from runtimes.trackers.siamfc import Siamfc
from runtimes.trackers.siamrpn import Siamrpn
from runtimes.trackers.transt import Transt
from tests.runtimes.trackers.heads import BOX, IMAGE, SIZES, signature


@pytest.mark.parametrize(
    ("step", "outputs"),
    [
        (Transt(), [("pred_boxes", (1, 1024, 4)), ("pred_logits", (1, 1024, 2))]),
        (Ostrack(), [("size_map", (1, 2, 16, 16)), ("offset_map", (1, 2, 16, 16)),
                     ("score_map", (1, 1, 16, 16))]),
        (Ostrack(), [("output1", (1, 1, 16, 16)), ("output2", (1, 2, 16, 16)),
                     ("output3", (1, 2, 16, 16))]),
        (Siamrpn(), [("loc", (1, 20, 25, 25)), ("cls", (1, 10, 25, 25))]),
        (Siamrpn(), [("output1", (1, 2, 16, 16)), ("output2", (1, 4, 16, 16))]),
        (Siamrpn(ratios=(0.5, 1.0, 2.0)), [("a", (1, 12, 25, 25)), ("b", (1, 6, 25, 25))]),
        (Siamfc(), [("response", (1, 1, 17, 17))]),
    ],
)  # fmt: skip
def test_outputs_are_recognized_by_name_or_shape(
    step: Tracking, outputs: list[tuple[str, tuple[int | None, ...]]]
) -> None:
    bound = step.bind(signature(*outputs), None)
    shapes = dict(outputs)
    if isinstance(bound, Transt):
        assert (bound.logits, bound.boxes) == ("pred_logits", "pred_boxes")
    elif isinstance(bound, Ostrack):
        names = [outputs[2][0], *(it[0] for it in outputs[:2])]
        wanted = names if "map" in names[0] else [it[0] for it in outputs]
        assert [bound.scores, bound.sizes, bound.offsets] == wanted
    elif isinstance(bound, Siamrpn):
        assert bound.classes is not None
        assert bound.boxes is not None
        assert shapes[bound.boxes][1] == 2 * (shapes[bound.classes][1] or 0)
        assert bound.stride == (16 if bound.ratios == () else 8)
    assert (bound.template, bound.search) == ("z", "x")
    assert (bound.template_size, bound.search_size) == (127, 255)


@pytest.mark.parametrize(
    ("step", "outputs", "where"),
    [
        (Transt(), [("pred_logits", (1, 1000, 2)), ("pred_boxes", (1, 1000, 4))], "logits"),
        (Transt(), [("output0", (1, 84, 8400))], "logits"),
        (Ostrack(), [("s", (1, 1, 16, 16)), ("a", (1, 2, 16, 16)), ("b", (1, 2, 16, 16))], "sizes"),
        (Siamrpn(ratios=(1.0, 2.0)), [("cls", (1, 10, 25, 25)), ("loc", (1, 20, 25, 25))],
         "classes"),
        (Siamfc(), [("response", (1, 5, 17, 17))], "output"),
        (Siamfc(output="other"), [("response", (1, 1, 17, 17))], "output"),
    ],
)  # fmt: skip
def test_other_models_are_refused_with_the_key(
    step: Tracking, outputs: list[tuple[str, tuple[int | None, ...]]], where: str
) -> None:
    with pytest.raises(BadModel) as caught:
        step.bind(signature(*outputs), None)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("step", "outputs"),
    [
        (Transt(logits="a", boxes="b"), {"a": (1, 63, 2), "b": (1, 63, 4)}),
        (Transt(logits="a", boxes="b"), {"a": (1, 64, 2), "b": (1, 49, 4)}),
        (Ostrack(scores="a", sizes="b", offsets="c"),
         {"a": (1, 1, 16, 16), "b": (1, 2, 16, 16), "c": (1, 2, 8, 8)}),
        (Siamrpn(classes="a", boxes="b", stride=8, ratios=()),
         {"a": (1, 3, 9, 9), "b": (1, 4, 9, 9)}),
        (Siamrpn(classes="a", boxes="b", stride=8, ratios=()),
         {"a": (1, 2, 9, 9), "b": (1, 4, 8, 9)}),
        (Siamfc(output="a"), {"a": (17, 17)}),
        (Siamfc(output="b"), {"a": (1, 1, 17, 17)}),
    ],
)  # fmt: skip
def test_outputs_of_another_shape_are_refused(
    step: Any, outputs: dict[str, tuple[int, ...]]
) -> None:
    step = replace(step, **SIZES)
    views = step.search_views(BOX, IMAGE)
    given = {name: np.zeros(shape, np.float32) for name, shape in outputs.items()}
    with pytest.raises(BadModel):
        step([given] * len(views), views, BOX)
