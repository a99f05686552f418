import json
import re
from math import hypot
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from builder.manifest.labels import Label, Sublabel
from builder.manifest.skeleton_svg import Point, layout, svg
from builder.plan.cvat_labels import label_spec

NAMES = ("nose", "left eye", "rechtes Auge", "猫")
POINTS: list[Point] = [(50, 10), (25.5, 0), (0, 100), (33.33, 66.67)]
EDGES = [("nose", "left eye"), ("猫", "nose"), ("rechtes Auge", "left eye")]

CIRCLE = {
    "r",
    "cx",
    "cy",
    "data-type",
    "data-element-id",
    "data-node-id",
    "data-label-name",
}
LINE = {"x1", "y1", "x2", "y2", "data-type", "data-node-from", "data-node-to"}


def elements(text: str) -> list[ElementTree.Element]:
    """The drawing's elements, which have no root of their own."""
    return list(ElementTree.fromstring(f"<root>{text}</root>"))


def circles(text: str) -> list[dict[str, str]]:
    return [dict(it.attrib) for it in elements(text) if it.tag == "circle"]


def lines(text: str) -> list[dict[str, str]]:
    return [dict(it.attrib) for it in elements(text) if it.tag == "line"]


def test_a_drawing_consists_of_circles_and_lines_without_a_root() -> None:
    text = svg(NAMES, POINTS, EDGES)
    assert {it.tag for it in elements(text)} == {"circle", "line"}
    assert all(len(it) == 0 and not it.text for it in elements(text))
    assert "<svg" not in text
    assert len(text.splitlines()) == len(NAMES) + len(EDGES)
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(text)


def test_there_is_one_circle_for_each_sublabel_with_cvats_attributes() -> None:
    found = circles(svg(NAMES, POINTS, EDGES))
    assert [circle["data-label-name"] for circle in found] == list(NAMES)
    for circle, (x, y) in zip(found, POINTS, strict=True):
        assert set(circle) == CIRCLE
        assert (circle["r"], circle["data-type"]) == ("0.75", "element node")
        assert (float(circle["cx"]), float(circle["cy"])) == (x, y)


def test_ids_are_unique_positive_integers() -> None:
    found = circles(svg(NAMES, POINTS, EDGES))
    ids = [circle["data-node-id"] for circle in found]
    assert [circle["data-element-id"] for circle in found] == ids
    assert all(re.fullmatch("[1-9][0-9]*", it) for it in ids)
    assert len(set(ids)) == len(NAMES)


def test_edges_connect_the_named_circles() -> None:
    text = svg(NAMES, POINTS, EDGES)
    by_id = {circle["data-node-id"]: circle for circle in circles(text)}
    found = lines(text)
    assert len(found) == len(EDGES)
    for line, (one, other) in zip(found, EDGES, strict=True):
        start, end = by_id[line["data-node-from"]], by_id[line["data-node-to"]]
        assert set(line) == LINE
        assert line["data-type"] == "edge"
        assert (start["data-label-name"], end["data-label-name"]) == (one, other)
        assert (line["x1"], line["y1"]) == (start["cx"], start["cy"])
        assert (line["x2"], line["y2"]) == (end["cx"], end["cy"])


def test_attributes_are_in_double_quotes_and_names_verbatim() -> None:
    text = svg(NAMES, POINTS, EDGES)
    assert "'" not in text
    for name in NAMES:
        # What CVAT's server replaces by the id of the label.
        assert text.count(f'data-label-name="{name}"') == 1


def test_a_drawing_by_hand() -> None:
    assert svg(["a", "b"], [(0, 0), (12.5, 100)], [("b", "a")]).splitlines() == [
        '<line x1="12.5" y1="100" x2="0" y2="0" data-type="edge" data-node-from="2" '
        'data-node-to="1"></line>',
        '<circle r="0.75" cx="0" cy="0" data-type="element node" data-element-id="1" '
        'data-node-id="1" data-label-name="a"></circle>',
        '<circle r="0.75" cx="12.5" cy="100" data-type="element node" data-element-id="2" '
        'data-node-id="2" data-label-name="b"></circle>',
    ]


def test_one_point_without_edges_is_one_circle() -> None:
    assert len(elements(svg(["a"], [(5, 5)], []))) == 1


names = st.lists(
    st.text(st.characters(categories=["L", "N"], include_characters=" -_.()"), min_size=1),
    min_size=1,
    max_size=12,
    unique=True,
)


@given(names, st.data())
def test_any_skeleton_can_be_read_back(texts: list[str], data: st.DataObject) -> None:
    place = st.floats(0, 100).map(lambda value: round(value, 2))
    points = [data.draw(st.tuples(place, place)) for _ in texts]
    pair = st.tuples(st.sampled_from(texts), st.sampled_from(texts))
    edges = data.draw(st.lists(pair, max_size=6))
    text = svg(texts, points, edges)
    by_id = {circle["data-node-id"]: circle for circle in circles(text)}
    assert [it["data-label-name"] for it in by_id.values()] == texts
    assert [(float(it["cx"]), float(it["cy"])) for it in by_id.values()] == points
    ends = [(by_id[it["data-node-from"]], by_id[it["data-node-to"]]) for it in lines(text)]
    assert [(a["data-label-name"], b["data-label-name"]) for a, b in ends] == edges


@given(st.integers(1, 40))
def test_points_without_a_position_are_on_a_circle(count: int) -> None:
    found = layout([None] * count)
    assert len(set(found)) == count
    for x, y in found:
        assert 0 <= x <= 100
        assert 0 <= y <= 100
        assert hypot(x - 50, y - 50) == pytest.approx(40, abs=0.02)


def test_the_circle_is_clockwise_from_the_top() -> None:
    assert layout([None] * 4) == [(50, 10), (90, 50), (50, 90), (10, 50)]


def test_given_positions_do_not_move_the_others() -> None:
    assert layout([None, (0, 0), None, (33, 66)]) == [(50, 10), (0, 0), (50, 90), (33, 66)]


def test_a_labels_drawing_has_its_positions_and_edges() -> None:
    label = Label(
        name="cat",
        type="skeleton",
        sublabels=("head", Sublabel(name="tail", x=90, y=0), Sublabel(name="paw", x=1)),
        edges=(("head", "tail"),),
    )
    found = circles(label.svg)
    assert [circle["data-label-name"] for circle in found] == ["head", "tail", "paw"]
    assert [(circle["cx"], circle["cy"]) for circle in found[:2]] == [("50", "10"), ("90", "0")]
    # A place needs both numbers: the third of three on the circle, at 240 degrees.
    assert (float(found[2]["cx"]), float(found[2]["cy"])) == (15.36, 70)
    assert len(lines(label.svg)) == 1


@pytest.mark.parametrize("name", ['a"b', "it's", "<b>", "a>b", "salt & pepper", '"'])
@pytest.mark.parametrize("long", [True, False])
def test_keypoint_names_that_svg_escapes_are_refused(name: str, long: bool) -> None:
    sublabels = ({"name": name},) if long else (name,)
    with pytest.raises(ValidationError) as caught:
        Label.model_validate({"name": "cat", "sublabels": sublabels})
    assert "must not contain quotes, <, > or &" in str(caught.value)


def test_label_names_that_svg_escapes_are_allowed() -> None:
    assert Label(name='5" & more').name == '5" & more'


def test_a_label_in_the_spec_has_a_circle_for_each_sublabel() -> None:
    label = Label(id=0, name="cat", type="skeleton", sublabels=("a", "b"), edges=(("a", "b"),))
    (entry,) = json.loads(label_spec((label,)))
    assert [it["name"] for it in entry["sublabels"]] == ["a", "b"]
    assert {it["type"] for it in entry["sublabels"]} == {"points"}
    assert [it["data-label-name"] for it in circles(entry["svg"])] == ["a", "b"]
