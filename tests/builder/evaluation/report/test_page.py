import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from builder.diagnostics.errors import OutputError
from builder.evaluation.evaluation import (
    Chart,
    Confusion,
    Evaluation,
    Failure,
    Line,
    Picture,
    Result,
    Speed,
    Table,
)
from builder.evaluation.report.page import page_of, write_report

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&\x1b\u202e"
VOID = {"meta", "img"}


class Checker(HTMLParser):
    """Checks that every element is closed, and keeps the attributes and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def checked(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    return checker


def evaluation(name: str, labels: int = 2) -> Evaluation:
    names = (*(f"{name}{number}" for number in range(labels)), "nothing")
    counts = tuple(
        tuple(column * 10 + row for column in range(labels + 1)) for row in range(labels + 1)
    )
    return Evaluation(
        function=f"build/{name}",
        variant="cpu",
        device=name,
        dataset=name,
        measure="boxes",
        samples=7,
        result=Result(
            {"map50_95": 0.625, "recall": None, name: 0.5},
            (Table("per_class", name, ("map50", name), {name: (0.25, None), "b": (1.0, 12)}),),
            (Chart(name, name, name, (Line(name, (0.0, 1.0), (0.0, 1.0)),)),),
            (Confusion(name, names, names, counts),),
        ),
        notes=(name,),
        speed=Speed(7, (12.5, 20.0), 80.0),
        failures=(Failure(name, name, True),),
        failed=0,
        skipped=1,
        worst=(Picture(name, name, b"\xff\xd8truth", b"\xff\xd8found"),),
    )


@pytest.mark.parametrize("labels", [2, 40])
def test_hostile_names_stay_text(labels: int) -> None:
    page = page_of([evaluation(HOSTILE, labels)])
    checker = checked(page)
    tags = {tag for tag, _, _ in checker.attributes}
    assert "script" not in tags
    assert {value for tag, name, value in checker.attributes if name.startswith("on")} == set()
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "</script><img src=x onerror=alert(1)>" in checker.text


def test_the_page_needs_no_other_file() -> None:
    checker = checked(page_of([evaluation("yolo")]))
    sources = [value for _, name, value in checker.attributes if name in ("src", "href")]
    assert len(sources) == 2
    assert all(value and value.startswith("data:image/jpeg;base64,") for value in sources)
    assert not re.search(r"url\(|@import|https?:", page_of([evaluation("yolo")]))


def test_figures_are_shown() -> None:
    checker = checked(page_of([evaluation("yolo"), evaluation("other")]))
    for expected in ("mAP50-95", "0.6250", "0.2500", "12.5 ms per request", "7 samples"):
        assert expected in checker.text
    assert "1 of 7 samples cannot be used" in checker.text
    assert checker.text.count("Worst images") == 2
    assert "Best images" not in checker.text
    assert "Metricsbuild/yolo (cpu)build/other (cpu)mAP50-950.62500.6250" in checker.text
    assert "Comparison" not in page_of([evaluation("yolo")])


def test_many_labels_have_a_list_of_confusions_in_place_of_a_matrix() -> None:
    checker = checked(page_of([evaluation("x", 40)]))
    assert len([value for _, name, value in checker.attributes if value == "confusion"]) == 0
    # The largest entry beside the diagonal: row 39 of 40, column `nothing`.
    assert re.search(r"count\s*x39\s*nothing\s*439", checker.text)


def test_the_report_is_written_and_replaced(tmp_path: Path) -> None:
    file = write_report(tmp_path / "a" / "b", [evaluation("yolo")])
    assert file == tmp_path / "a" / "b" / "index.html"
    write_report(tmp_path / "a" / "b", [evaluation("other")])
    assert "other" in file.read_text("utf-8")
    assert list(file.parent.iterdir()) == [file]
    with pytest.raises(OutputError, match="cannot be written") as caught:
        write_report(file, [evaluation("yolo")])
    assert "--html" in caught.value.problems[0].hint
