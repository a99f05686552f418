from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.problem import Problem
from tests.builder.conftest import failure, read_valid

LINES = """\
name: boxes
type: detector
model: model.onnx
labels: [cat, dog, bird]
preprocess: [letterbox]
postprocess:
  - yolo
  - nms: {iou: 0.5}
  - rectangle
"""
"""Nine lines; tests replace one or add a tenth."""


@pytest.fixture
def problems(tmp_path: Path) -> Callable[[str], tuple[Problem, ...]]:
    def read(text: str) -> tuple[Problem, ...]:
        file = tmp_path / "m.yaml"
        file.write_text(text, "utf-8")
        error = failure(lambda: read_valid(file))
        assert isinstance(error, ManifestError)
        assert all(problem.file == file for problem in error.problems)
        return error.problems

    return read


Problems = Callable[[str], tuple[Problem, ...]]


def test_the_unchanged_lines_are_a_valid_manifest(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(LINES)
    assert read_valid(tmp_path / "m.yaml").manifest.name == "boxes"


@pytest.mark.parametrize(
    ("line", "changed", "path", "row", "column", "found"),
    [
        ("name: boxes", "name: Boxes", "name", 1, 1, "Boxes"),
        ("name: boxes", "name: [a]", "name", 1, 1, "[a]"),
        ("type: detector", "type: detektor", "type", 2, 1, "detektor"),
        ("labels: [cat, dog, bird]", "labels: []", "labels", 4, 1, "[]"),
        ("labels: [cat, dog, bird]", "labels: [cat, 7]", "labels[1]", 4, 15, "7"),
        ("  - nms: {iou: 0.5}", "  - nms: 5", "postprocess[1].nms.iou", 8, 5, "5"),
        ("  - nms: {iou: 0.5}", "  - nms: {iou: x}", "postprocess[1].nms.iou", 8, 11, "x"),
        ("  - nms: {iou: 0.5}", "  - nms: {iou: .nan}", "postprocess[1].nms.iou", 8, 11, ".nan"),
        ("  - nms: {iou: 0.5}", "  - nms: {max: 0}", "postprocess[1].nms.max", 8, 11, "0"),
        ("  - nms: {iou: 0.5}", "  - nms: {max: 1.5}", "postprocess[1].nms.max", 8, 11, "1.5"),
        (
            "  - nms: {iou: 0.5}",
            "  - nms: {per_class: 1}",
            "postprocess[1].nms.per_class",
            8,
            11,
            "1",
        ),
    ],
)
def test_an_invalid_value_is_reported_with_its_path_location_and_text(
    problems: Problems, line: str, changed: str, path: str, row: int, column: int, found: str
) -> None:
    (problem,) = problems(LINES.replace(line, changed))
    assert (problem.place, problem.line, problem.column) == (path, row, column)
    assert problem.found == found
    assert problem.allowed


@pytest.mark.parametrize("entry", ["5", "[yolo]", "true", "null"])
def test_an_entry_that_is_not_a_step_is_reported(problems: Problems, entry: str) -> None:
    (problem,) = problems(LINES.replace("  - nms: {iou: 0.5}", f"  - {entry}"))
    assert (problem.place, problem.line) == ("postprocess[1]", 8)


@pytest.mark.parametrize(
    ("line", "changed", "path", "hint"),
    [
        ("model: model.onnx", "modle: model.onnx\nmodel: m.onnx", "modle", "model"),
        ("  - nms: {iou: 0.5}", "  - nmss: 0.5", "postprocess[1].nmss", "nms"),
        ("  - nms: {iou: 0.5}", "  - nms: {iuo: 0.5}", "postprocess[1].nms.iuo", "iou"),
        (
            "preprocess: [letterbox]",
            "preprocess: [leterbox]",
            "preprocess[0].leterbox",
            "letterbox",
        ),
        (
            "labels: [cat, dog, bird]",
            "labels: [{name: cat, tpye: any}]",
            "labels[0].tpye",
            "type",
        ),
        (
            "labels: [cat, dog, bird]",
            "labels: [{name: cat, attributes: [{name: a, input_type: text, vlaues: []}]}]",
            "labels[0].attributes[0].vlaues",
            "values",
        ),
        (
            "type: detector",
            "type: detector\nvariants: {cpu: {therads: 1}}",
            "variants.cpu.therads",
            "threads",
        ),
        (
            "type: detector",
            "type: detector\nvariants: {gpuu: false}",
            "variants.gpuu",
            "gpu",
        ),
        (
            "type: detector",
            "type: detector\nresources: {memroy: 1Gi}",
            "resources.memroy",
            "memory",
        ),
        (
            "model: model.onnx",
            f"model: {{urll: 'https://a/m.onnx', sha256: {'a' * 64}, url: 'https://a/m.onnx'}}",
            "model.urll",
            "url",
        ),
    ],
)
def test_an_unknown_key_is_reported_with_a_similar_one(
    problems: Problems, line: str, changed: str, path: str, hint: str
) -> None:
    (problem,) = problems(LINES.replace(line, changed))
    assert problem.place == path
    assert "unknown" in problem.what
    assert problem.hint == f"did you mean '{hint}'?"
    assert hint in problem.allowed.split(", ")


def test_a_setting_of_the_other_variant_is_unknown(problems: Problems) -> None:
    (problem,) = problems(LINES + "variants: {cpu: {cuda: 13}}\n")
    assert problem.place == "variants.cpu.cuda"
    assert "unknown" in problem.what


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(problems: Problems) -> None:
    text = LINES.replace("name: boxes", "name: X").replace("  - yolo", "  - yoloo")
    found = problems(text + "threshold: 2\nunknown: 1\n")
    assert [problem.place for problem in found] == [
        "name",
        "postprocess[0].yoloo",
        "threshold",
        "unknown",
    ]
    assert [problem.line for problem in found] == [1, 7, 10, 11]


@pytest.mark.parametrize("key", ["name", "type", "model", "labels", "preprocess", "postprocess"])
def test_a_missing_key_is_reported(problems: Problems, key: str) -> None:
    end = LINES.index("postprocess:") if key == "postprocess" else None
    kept = [line for line in LINES[:end].splitlines() if not line.startswith(f"{key}:")]
    (problem,) = problems("\n".join(kept))
    assert problem.place == key
    assert "missing" in problem.what


@pytest.mark.parametrize("word", ["no", "on", "2.60", "1"])
def test_the_hint_for_text_parsed_as_another_type_is_to_quote_it(
    problems: Problems, word: str
) -> None:
    (problem,) = problems(LINES + f"title: {word}\n")
    assert problem.found == word
    assert problem.hint == f'put it in quotes: "{word}"'


@pytest.mark.parametrize("word", ["no", "7"])
def test_the_hint_for_a_label_parsed_as_another_type_is_to_quote_it(
    problems: Problems, word: str
) -> None:
    (problem,) = problems(LINES.replace("dog", word))
    assert problem.place == "labels[1]"
    assert problem.hint == f'put it in quotes: "{word}"'


@pytest.mark.parametrize(
    "value",
    [
        "0x" + "f" * 5000,
        "-0x" + "f" * 5000,
        '"\\ud800"',
        ".inf",
        "-.inf",
        ".nan",
        "99999999999999999999999999",
        "190:20:30",
    ],
)
@pytest.mark.parametrize("key", ["threshold", "title", "labels", "postprocess"])
def test_extreme_values_are_refused_with_a_location(
    problems: Problems, key: str, value: str
) -> None:
    kept = "\n".join(line for line in LINES.splitlines() if not line.startswith(f"{key}:"))
    if key == "postprocess":
        kept = LINES[: LINES.index("postprocess:")]
    (problem,) = problems(f"{kept}\n{key}: {value}\n")
    assert problem.place == key
    # What is printed must be text that any terminal and file can take.
    str(problem).encode("utf-8")


@pytest.mark.parametrize("value", ["[]", "{}", "x", "5", "null"])
@pytest.mark.parametrize(
    "key", ["name", "type", "labels", "postprocess", "threshold", "variants", "resources", "cvat"]
)
def test_a_value_of_any_other_type_is_refused_or_read_but_never_crashes(
    tmp_path: Path, key: str, value: str
) -> None:
    kept = [line for line in LINES.splitlines() if not line.startswith((f"{key}:", "  - "))]
    steps = "" if key == "postprocess" else "postprocess: [yolo, nms, rectangle]\n"
    text = "\n".join(line for line in kept if line != "postprocess:")
    (tmp_path / "m.yaml").write_text(f"{text}\n{steps}{key}: {value}\n")
    allowed: dict[str, tuple[Any, ...]] = {
        "name": ("x",),
        "labels": ("x",),
        "variants": ("{}",),
        "resources": ("{}",),
    }
    if value in allowed.get(key, ()):
        read_valid(tmp_path / "m.yaml")
        return
    error = failure(lambda: read_valid(tmp_path / "m.yaml"))
    assert [problem.place for problem in error.problems] == [key]


def test_quotes_are_not_suggested_where_they_would_not_help(problems: Problems) -> None:
    (problem,) = problems(LINES + "variants: {cpu: {max_request_size: 32}}\n")
    assert problem.found == "32"
    assert problem.allowed == "a number of KiB, MiB or GiB: `64Mi`"
    assert problem.hint == "write `max_request_size: 32Mi`"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("{iou: 5e-1}", "write 0.5, without quotes"),
        ("{iou: 1e-9}", "write 1.0e-09, without quotes"),
        ('{iou: "1"}', "write 1, without quotes"),
        ("{iou: .5x}", ""),
        ('{max: "10"}', "write 10, without quotes"),
        ('{max: "1.5"}', ""),
        ('{max: "inf"}', ""),
    ],
)
def test_a_number_in_the_form_of_text_gets_a_hint(
    problems: Problems, value: str, hint: str
) -> None:
    (problem,) = problems(LINES.replace("{iou: 0.5}", value))
    assert problem.hint == hint


def test_a_password_is_not_printed_even_if_its_url_is_cut_off(problems: Problems) -> None:
    url = f"https://user:{'s' * 100}@example.com/simple?a=b"
    text = f"{LINES}variants: {{cpu: {{sources: {{index: '{url}'}}}}}}\n"
    (problem,) = problems(text)
    assert "sss" not in str(problem)


@pytest.mark.parametrize("line", ["memroy: 4Gi", "color: blue", "sources: 3"])
def test_an_unknown_key_moves_only_to_a_place_that_allows_it(problems: Problems, line: str) -> None:
    (problem,) = problems(f"{LINES}{line}\n")
    places = "move it to `variants.cpu` or `variants.gpu`" if line.startswith("sources") else ""
    assert problem.hint == places


def test_a_key_does_not_move_to_a_disabled_variant(problems: Problems) -> None:
    (problem,) = problems(f"{LINES}variants: {{gpu: false}}\nport: 20017\n")
    assert problem.hint == "move it to `variants.cpu`"
