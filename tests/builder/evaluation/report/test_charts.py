from xml.etree import ElementTree

from builder.evaluation.evaluation import Chart, Line
from builder.evaluation.report.charts import svg_of

CHART = Chart(
    "Title",
    "recall",
    "precision",
    (Line("all", (0.0, 0.5, 1.0), (1.0, 0.5, 0.0)), Line("cat", (0.0, 1.0), (0.0, 1.0))),
)


def test_points_are_in_the_plot_with_y_upward() -> None:
    root = ElementTree.fromstring(svg_of(CHART))
    lines = {it.get("class"): it.get("points", "") for it in root.iter("polyline")}
    points = [tuple(map(float, it.split(","))) for it in lines["c0"].split()]
    (left, top), middle, (right, bottom) = points
    assert middle == ((left + right) / 2, (top + bottom) / 2)
    assert left < right
    assert top < bottom  # A precision of 1 is at the top.
    assert lines["c1"].split() == [f"{left},{bottom}", f"{right},{top}"]


def test_the_first_line_is_drawn_last_and_listed_first() -> None:
    root = ElementTree.fromstring(svg_of(CHART))
    assert [it.get("class") for it in root.iter("polyline")] == ["c1", "c0"]
    assert ["".join(it.itertext()) for it in root.iter("li")] == ["all", "cat"]
    texts = [it.text for it in root.iter("text")]
    assert {"recall", "precision", "0", "0.2", "1"} <= set(texts)
