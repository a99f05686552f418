import pytest

from builder.evaluation.parity.item import item_of
from builder.evaluation.parity.measures import limits_of
from builder.evaluation.parity.tally import MOST_UNMATCHED, MOST_WORST, Tally
from tests.builder.evaluation.parity.test_pairing import box


def test_the_worst_and_the_mean_of_all_pairs() -> None:
    tally = Tally(limits_of([]))
    tally.add("a.png", [box(0, 0, 10, 10)], [box(0, 0, 10, 10)])
    tally.add("b.png", [box(0, 0, 10, 10)], [box(0, 0, 10, 10.25)])
    tally.add("c.png", [box(0, 0, 10, 10)], [box(0, 0, 10, 10.125)])
    found = tally.sums["box"]
    assert (found.worst, found.mean, found.count) == (0.25, 0.125, 3)
    assert found.image == "b.png"
    assert (tally.images, tally.items, tally.pairs) == (3, [3, 3], 3)
    assert tally.is_within
    assert tally.worst_images() == ["b.png", "c.png"]


def test_a_difference_beyond_its_limit() -> None:
    tally = Tally(limits_of(["px=0.2"]))
    tally.add("b.png", [box(0, 0, 10, 10)], [box(0, 0, 10, 10.25)])
    assert not tally.is_within


def test_an_unmatched_item_counts_unless_it_is_at_the_threshold() -> None:
    tally = Tally(limits_of([]), threshold=0.25)
    tally.add("a.png", [box(0, 0, 10, 10, score=0.255)], [])
    assert (tally.counts["unmatched"], tally.at_threshold, tally.is_within) == (0, 1, True)
    tally.add("b.png", [], [box(0, 0, 10, 10, score=0.27)])
    assert (tally.counts["unmatched"], tally.at_threshold, tally.is_within) == (1, 1, False)
    # Those that count are listed first.
    first, second = tally.unmatched
    assert (first.image, first.side, first.label, first.at_threshold) == ("b.png", 1, "a", False)
    assert first.margin == pytest.approx(0.02)
    assert (second.image, second.side, second.at_threshold) == ("a.png", 0, True)


def test_without_a_threshold_every_unmatched_item_counts() -> None:
    tally = Tally(limits_of(["unmatched=1"]))
    tally.add("a.png", [box(0, 0, 10, 10)], [])
    assert (tally.counts["unmatched"], tally.is_within) == (1, True)
    assert tally.unmatched[0].margin is None


def test_the_other_label_of_an_item_at_the_same_place_is_named() -> None:
    tally = Tally(limits_of([]))
    tally.add("a.png", [box(0, 0, 10, 10, "cat")], [box(0, 0, 10, 10, "dog")])
    assert [(it.label, it.other_label) for it in tally.unmatched] == [
        ("cat", "dog"),
        ("dog", "cat"),
    ]


def test_failures_are_never_within_the_limits_and_come_first() -> None:
    tally = Tally(limits_of([]))
    tally.add("a.png", [box(0, 0, 10, 10)], [])
    tally.add_failure("b.png", "HTTP 500")
    assert not tally.is_within
    assert (tally.failures, tally.first_failure) == (1, "b.png: HTTP 500")
    assert tally.worst_images() == ["b.png", "a.png"]


def test_the_lists_do_not_grow_with_the_number_of_images() -> None:
    tally = Tally(limits_of([]))
    for number in range(200):
        tally.add(f"{number}.png", [box(0, 0, 10, 10)], [])
    assert len(tally.unmatched) == MOST_UNMATCHED
    assert tally.worst_images() == [f"{number}.png" for number in range(MOST_WORST)]
    assert tally.counts["unmatched"] == 200


def test_labels_whose_items_cannot_be_paired_are_told_with_the_types_of_both_sides() -> None:
    square = {"label": "a", "type": "polygon", "points": [0, 0, 10, 0, 10, 10, 0, 10]}
    polygon = item_of({**square, "confidence": 0.5})
    tally = Tally(limits_of([]))
    tally.add("a.png", [box(0, 0, 10, 10)], [box(0, 0, 10, 10)])
    assert tally.other_types() == []
    tally = Tally(limits_of([]))
    tally.add("a.png", [box(0, 0, 10, 10), box(0, 0, 9, 9, "b")], [polygon])
    assert tally.other_types() == [("rectangle", "polygon")]
