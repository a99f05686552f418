import numpy as np
import pytest

from builder.families.catalog.centernet import CENTERNET
from runtimes.arrays import Array
from tests.builder.families.made import Shape, evidence, matches

HM: Shape = (1, 3, 16, 16)
PAIR: Shape = (1, 2, 16, 16)


def blank(names: dict[str, float]) -> dict[str, Array]:
    """Maps with one value each."""
    channels = dict.fromkeys(names, 2) | {"hm": 3, "b": 3}
    return {
        name: np.full((1, channels[name], 16, 16), it, np.float32) for name, it in names.items()
    }


@pytest.mark.parametrize(
    ("outputs", "values", "strength", "fields"),
    [
        ({"reg": PAIR, "hm": HM, "wh": PAIR}, {"hm": 0.5}, "EVIDENCE", {}),
        ({"reg": PAIR, "hm": HM, "wh": PAIR}, {"hm": -3}, "EVIDENCE", {"activation": "sigmoid"}),
        ({"wh": PAIR, "hm": HM}, {"hm": 0.5}, "EVIDENCE", {}),
        (
            {"reg": PAIR, "hm": HM, "wh": PAIR, "dep": (1, 1, 16, 16)},
            {"hm": 0.5},
            "EVIDENCE",
            {"heatmap": "hm", "sizes": "wh", "offsets": "reg"},
        ),
        (
            {"a": PAIR, "b": HM, "c": PAIR},
            {"a": 0.5, "b": 0.5, "c": 5},
            "SHAPE",
            {"heatmap": "b", "sizes": "c", "offsets": "a"},
        ),
    ],
)
def test_names_or_channels_tell_the_maps_apart(
    outputs: dict[str, Shape], values: dict[str, float], strength: str, fields: dict[str, str]
) -> None:
    (match,) = matches(CENTERNET, evidence(outputs, blank=blank(values)))
    assert match.strength.name == strength
    assert dict(match.postprocess[0].fields) == fields
    assert match.classes is not None
    assert match.classes.count == 3


@pytest.mark.parametrize(
    "outputs",
    [
        {"hm": HM, "reg": PAIR},
        {"hm": (1, 3, 15, 15), "wh": (1, 2, 15, 15), "reg": (1, 2, 15, 15)},
        {"hm": (1, 3, 8, 8), "wh": PAIR, "reg": PAIR},
        {"a": HM, "b": PAIR, "c": (1, 4, 16, 16)},
        {"a": HM, "b": PAIR, "c": PAIR, "d": PAIR},
    ],
)
def test_other_maps_are_not(outputs: dict[str, Shape]) -> None:
    assert matches(CENTERNET, evidence(outputs)) == []
