import json

from builder.evaluation.parity.measures import limits_of
from builder.evaluation.parity.report import Report, joined
from builder.evaluation.parity.tally import Tally
from tests.builder.evaluation.parity.test_pairing import box


def report(tally: Tally) -> Report:
    """A report about two variants."""
    return Report("build/cats", ("cpu", "gpu"), ("gpu: runs on the CPU",), tally)


def example() -> Tally:
    """One pair that differs by a quarter pixel, and one item of the second side."""
    tally = Tally(limits_of([]), threshold=0.25)
    cat = box(0, 0, 10, 10, "cat", 0.875)
    tally.add("a|b.png", [cat], [box(0, 0, 10, 10.25, "cat", 0.875), box(20, 0, 30, 9, "dog")])
    return tally


def test_the_text_has_both_sides_the_differences_and_the_verdict() -> None:
    assert report(example()).as_text().splitlines() == [
        "build/cats: cpu and gpu, 1 image",
        "",
        "                   cpu  gpu",
        "items                1    2",
        "matched              1    1",
        "only on this side    0    1",
        "",
        "difference             worst     mean    limit  worst image",
        "confidence           0.00000  0.00000  <= 0.01",
        "box corners, pixels  0.25000  0.25000   <= 0.5  a|b.png",
        "unmatched items            1              <= 0",
        "",
        "only in gpu: dog 0.50000 in a|b.png, 0.25000 above the threshold",
        "",
        "largest differences: a|b.png",
        "",
        "gpu: runs on the CPU",
        "",
        "beyond the limits: unmatched items",
    ]


def test_markdown_escapes_what_is_markup() -> None:
    text = report(example()).as_markdown()
    assert text.startswith("### Parity: build/cats: cpu and gpu, 1 image\n\n|  | cpu | gpu |\n")
    assert r"| box corners, pixels | 0.25000 | 0.25000 | \<= 0.5 | a\|b.png |" in text
    assert text.endswith("**beyond the limits: unmatched items**")


def test_json_has_every_figure() -> None:
    found = json.loads(report(example()).as_json())
    assert found["sides"] == ["cpu", "gpu"]
    assert (found["within"], found["images"], found["items"]) == (False, 1, [1, 2])
    assert found["measures"]["box"] == {
        "worst": 0.25,
        "mean": 0.25,
        "pairs": 1,
        "limit": 0.5,
        "within": True,
        "image": "a|b.png",
    }
    assert found["counts"]["unmatched"] == {"count": 1, "limit": 0, "within": False}
    assert [it["label"] for it in found["unmatched"]] == ["dog"]


def test_nothing_to_compare_is_no_success() -> None:
    tally = Tally(limits_of([]))
    tally.add("a.png", [], [])
    assert not report(tally).is_good
    assert "nothing was compared" in report(tally).as_text()
    tally.add("b.png", [box(0, 0, 1, 1)], [box(0, 0, 1, 1)])
    assert report(tally).is_good
    assert report(tally).as_text().endswith("\nwithin the limits")


def test_images_without_an_answer_come_first_in_the_verdict() -> None:
    tally = example()
    tally.add_failure("c.png", "cpu: HTTP 400: no image")
    *_, verdict = report(tally).as_text().splitlines()
    assert verdict.startswith("failed: 1 image not answered by both sides; the first one: c.png: ")


def test_more_unmatched_items_than_are_listed_are_counted() -> None:
    tally = Tally(limits_of([]))
    for number in range(25):
        tally.add(f"{number}.png", [box(0, 0, 10, 10)], [])
    assert "\nand 5 more\n" in report(tally).as_text()


def test_long_lists_are_shortened() -> None:
    assert joined(["a", "b"]) == "a, b"
    assert joined([*"abcdefg"]) == "a, b, c, d, e and 2 more"
