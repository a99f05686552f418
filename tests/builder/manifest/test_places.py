from typing import Any

import pytest

from builder.diagnostics.path import Path_
from builder.manifest.places import error_at, hint_for_key, hint_places, keys_at
from builder.manifest.schema import DetectorManifest
from builder.manifest.validation import Strict

DATA: dict[str, Any] = {
    "name": "boxes",
    "type": "detector",
    "model": "model.onnx",
    "labels": ["cat"],
    "preprocess": ["letterbox"],
    "postprocess": ["yolo", "nms", "rectangle"],
}


@pytest.mark.parametrize(
    ("path", "known", "unknown"),
    [
        ((), "labels", "workers"),
        (("variants", "cpu"), "workers", "cuda"),
        (("variants", "gpu"), "cuda", "labels"),
        (("labels", 0), "sublabels", "workers"),
    ],
)
def test_the_keys_at_a_path(path: Path_, known: str, unknown: str) -> None:
    assert known in keys_at(DetectorManifest, path)
    assert unknown not in keys_at(DetectorManifest, path)


@pytest.mark.parametrize(
    ("path", "value", "hint"),
    [
        (("cuda",), 13, "move it to `variants.gpu`"),
        (("workers",), 2, "move it to `variants.cpu` or `variants.gpu`"),
        (("variants", "cpu", "threshold"), 0.5, "move it to the top level of the manifest"),
        (("variants", "cpu", "resources"), {"cpu": "2"}, "write its keys directly under"),
        (("colour",), "red", ""),
    ],
)
def test_a_hint_for_a_key_at_the_wrong_place(path: Path_, value: object, hint: str) -> None:
    data: dict[str, Any] = {**DATA, "variants": {"cpu": {}, "gpu": {}}}
    above = data
    for key in path[:-1]:
        above = above[str(key)]
    above[str(path[-1])] = value
    found = hint_for_key(DetectorManifest, path, data)
    assert found.startswith(hint)
    assert bool(found) == bool(hint)


def test_no_place_that_has_the_key_already() -> None:
    data = {**DATA, "cuda": 13, "variants": {"gpu": {"cuda": 12}}}
    assert hint_places(DetectorManifest, ("cuda",), data) == ""


def test_the_errors_of_another_value() -> None:
    assert error_at(DetectorManifest, ("threshold",), 0.5, DATA) == ()
    (error,) = error_at(DetectorManifest, ("threshold",), 2, DATA)
    assert error["type"] == "less_than_equal"
    assert "threshold" not in DATA


class Bolt(Strict):
    size: int = 1
    thread: str = ""


class Plate(Strict):
    size: str = ""


class Wheel(Strict):
    bolt: Bolt = Bolt()
    bolts: tuple[Bolt, ...] = ()
    plate: Plate = Plate()


def test_entries_of_lists_are_no_places() -> None:
    assert hint_for_key(Wheel, ("thread",), {"thread": "M8"}) == "move it to `bolt`"
    data: dict[str, Any] = {"bolts": [{"plate": {}}]}
    assert hint_for_key(Wheel, ("bolts", 0, "plate"), data) == ""


@pytest.mark.parametrize(
    ("data", "places"),
    [
        ({"size": 5}, "`bolt`"),
        ({"size": "M8"}, "`plate`"),
        ({"size": []}, "`bolt` or `plate`"),
        ({"size": 5, "bolt": 3}, "`plate`"),
    ],
)
def test_only_places_where_the_value_is_valid_are_named_if_there_are_any(
    data: dict[str, Any], places: str
) -> None:
    assert hint_for_key(Wheel, ("size",), data) == f"move it to {places}"


def test_no_place_is_named_for_a_value_that_is_valid_nowhere_if_it_must_be() -> None:
    assert hint_places(Wheel, ("size",), {"size": []}, valid=True) == ""
