import json

from builder.evaluation.evaluation import Evaluation, Failure, Result, Speed, Table
from builder.evaluation.text import as_json, as_text, difference, sample_noun


def evaluation(
    map50: float, variant: str = "cpu", name: str = "cat", failures: tuple[Failure, ...] = ()
) -> Evaluation:
    table = Table(
        "per_class",
        "Per label",
        ("annotations", "map50"),
        {name: (12, map50), "dog": (0, None)},
    )
    return Evaluation(
        function="build/yolo",
        variant=variant,
        device="CPU",
        dataset="data",
        measure="boxes",
        samples=20,
        result=Result({"map50": map50, "recall": None}, (table,)),
        notes=("a note",),
        speed=Speed(20, (12.5, 20.0), 80.0),
        failures=failures,
        failed=sum(not it.skipped for it in failures),
        skipped=sum(it.skipped for it in failures),
    )


def test_text_has_the_metrics_the_tables_the_speed_and_the_notes() -> None:
    assert as_text(evaluation(0.625)).split("\n") == [
        "build/yolo (cpu on CPU): boxes of data, 20 samples",
        "",
        "  map50   0.6250",
        "  recall       -",
        "",
        "Per label",
        "       annotations   map50",
        "  cat           12  0.6250",
        "  dog            0       -",
        "",
        "Speed: 12.5 ms per request (median), 20.0 ms (95th percentile), 80.0 images/s",
        "",
        "note: a note",
    ]


def test_samples_without_a_reply_are_listed_and_counted() -> None:
    failures = tuple(Failure(f"{it}.png", "cannot be decoded", True) for it in range(7))
    lines = as_text(evaluation(0.5, failures=(*failures, Failure("x", "status 500", False))))
    assert lines.startswith("build/yolo (cpu on CPU): boxes of data, 13 of 20 samples\n")
    assert "7 of 20 samples cannot be used and are left out:" in lines
    assert "  4.png: cannot be decoded\n  and 2 more" in lines
    assert "1 of 20 samples got no usable reply and count as if nothing was found:" in lines
    assert "  x: status 500" in lines


def test_control_characters_in_names_do_not_reach_the_terminal() -> None:
    text = as_text(evaluation(0.5, name="\x1b[31mred\u202e"))
    assert "\x1b" not in text
    assert "\\x1b[31mred\\u202e" in text


def test_json_is_one_line_with_metrics_and_tables() -> None:
    text = as_json(evaluation(0.625, failures=(Failure("é.png", "status 500", False),)))
    assert "\n" not in text
    data = json.loads(text)
    assert (data["map50"], data["recall"]) == (0.625, None)
    assert data["per_class"] == {
        "cat": {"annotations": 12, "map50": 0.625},
        "dog": {"annotations": 0, "map50": None},
    }
    assert data["speed"]["median_milliseconds"] == 12.5
    assert data["failures"] == [{"name": "é.png", "reason": "status 500", "skipped": False}]
    assert (data["samples"], data["failed"], data["skipped"]) == (20, 1, 0)


def test_the_difference_of_two_variants() -> None:
    assert difference(evaluation(0.625), evaluation(0.5, "gpu")).split("\n") == [
        "Difference: A is build/yolo (cpu), B is build/yolo (gpu)",
        "",
        "                             A        B    B - A",
        "  map50                 0.6250   0.5000  -0.1250",
        "  recall                     -        -        -",
        "  median_milliseconds  12.5000  12.5000  +0.0000",
        "",
        "Per label, B - A",
        "       annotations    map50",
        "  cat           +0  -0.1250",
        "  dog           +0        -",
    ]


def test_labels_of_one_function_alone_have_no_difference() -> None:
    assert "  bird            -      -" in difference(
        evaluation(0.625, name="bird"), evaluation(0.5)
    )


def test_one_sample_is_not_plural() -> None:
    assert [sample_noun(number) for number in (0, 1, 2)] == ["samples", "sample", "samples"]
