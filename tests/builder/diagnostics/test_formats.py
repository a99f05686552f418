import json
import os
from pathlib import Path

import pytest

from builder.diagnostics.faults import RULES
from builder.diagnostics.formats import as_annotation, as_json, as_text
from builder.diagnostics.problem import Problem
from builder.lint.steps import MISSING_NMS
from builder.manifest.located_yaml import INVALID_YAML
from builder.manifest.pydantic_errors import INVALID_VALUE, MISSING_KEY
from runtimes.errors import Fault

FULL = Problem(
    "has the wrong value",
    file=Path("manifests/yolo.yaml"),
    line=12,
    column=3,
    path=("postprocess", 1, "nms"),
    found="2",
    allowed="at most 1",
    hint="write 0.45",
    rule=INVALID_VALUE,
)

LONG = Problem(
    "the model's output `a rather long name of an output` is none of those that the step "
    "'another rather long name' can read, which are the ones of the exporters that it knows",
    file=Path("manifests/yolo.yaml"),
    line=12,
    column=3,
    path=("postprocess", 0, "yolo"),
    allowed="words " * 30 + "and `one thing that is to be copied as a whole`",
    hint="a-word-with-hyphens " * 9,
    rule=RULES[Fault.OUTPUT_LAYOUT],
)


def test_json_has_every_key_and_parses_back() -> None:
    assert json.loads(as_json(FULL)) == {
        "severity": "error",
        "code": "invalid-value",
        "file": "manifests/yolo.yaml",
        "line": 12,
        "column": 3,
        "path": "postprocess[1].nms",
        "what": "has the wrong value",
        "found": "2",
        "allowed": "at most 1",
        "remedy": "write 0.45",
    }


def test_json_has_the_same_keys_without_details() -> None:
    bare = json.loads(as_json(Problem("is wrong", rule=MISSING_NMS)))
    assert list(bare) == list(json.loads(as_json(FULL)))
    assert bare == dict.fromkeys(bare, "") | {
        "severity": "warning",
        "code": "missing-nms",
        "what": "is wrong",
        "line": 0,
        "column": 0,
    }


def test_json_is_always_one_line() -> None:
    text = 'two\nlines\r\n, a "quote", a \\ and ein Fuß'
    line = as_json(Problem(text, found=text, rule=INVALID_YAML))
    assert "\n" not in line
    assert "\r" not in line
    assert "Fuß" in line
    assert json.loads(line)["what"] == text
    assert json.loads(line)["found"] == text


def test_a_file_name_that_is_not_utf_8_can_be_printed_and_parsed() -> None:
    problem = Problem("is wrong", file=Path(os.fsdecode(b"a\xff\\.yaml")), rule=INVALID_YAML)
    line = as_json(problem)
    line.encode("utf-8")
    assert os.fsencode(json.loads(line)["file"]) == b"a\xff\\.yaml"
    assert as_annotation(problem) == (
        "::error file=a\\udcff\\.yaml,title=Invalid YAML [invalid-yaml]::is wrong"
    )


def test_an_annotation_has_file_line_column_and_title() -> None:
    assert as_annotation(FULL) == (
        "::error file=manifests/yolo.yaml,line=12,col=3,"
        "title=Invalid value [invalid-value]"
        "::postprocess[1].nms: has the wrong value"
        "%0Afound: 2%0Aallowed: at most 1%0Ahint: write 0.45"
    )


def test_an_annotation_without_a_file_has_a_title() -> None:
    assert as_annotation(Problem("is missing", rule=MISSING_KEY)) == (
        "::error title=Missing key [missing-key]::is missing"
    )


def test_a_warning_is_a_warning_annotation() -> None:
    assert as_annotation(Problem("no step", file=Path("a.yaml"), rule=MISSING_NMS)) == (
        "::warning file=a.yaml,title=`nms` is missing after a raw head [missing-nms]::no step"
    )


def test_properties_and_message_of_an_annotation_are_escaped_differently() -> None:
    problem = Problem(
        "100% wrong: a, b\r\nand more",
        file=Path("C:/a,b 50%\n.yaml"),
        line=1,
        column=2,
        found="::error::%0A",
        rule=INVALID_YAML,
    )
    # Message: only % and line breaks. Properties: also the colon and the comma.
    assert as_annotation(problem) == (
        "::error file=C%3A/a%2Cb 50%25%0A.yaml,line=1,col=2,title=Invalid YAML [invalid-yaml]"
        "::100%25 wrong: a, b%0D%0Aand more%0Afound: ::error::%250A"
    )


def test_text_has_the_code_on_the_first_line_and_the_details_below() -> None:
    assert as_text(FULL) == (
        "manifests/yolo.yaml:12:3: postprocess[1].nms: has the wrong value [invalid-value]\n"
        "  found:   2\n"
        "  allowed: at most 1\n"
        "  hint:    write 0.45"
    )


def test_text_without_a_width_is_not_wrapped() -> None:
    assert as_text(LONG).splitlines() == [
        f"manifests/yolo.yaml:12:3: postprocess[0].yolo: {LONG.what} [output-layout]",
        f"  allowed: {LONG.allowed}",
        f"  hint:    {LONG.hint}",
    ]


def test_text_is_wrapped_at_80_columns_and_indented() -> None:
    lines = as_text(LONG, 80).splitlines()
    assert max(map(len, lines)) <= 80
    heads = [
        place for place, line in enumerate(lines) if line.startswith(("  allowed:", "  hint:"))
    ]
    assert len(heads) == 2
    assert all(line.startswith("  ") and line[2] != " " for line in lines[1 : heads[0]])
    rest = [line for place, line in enumerate(lines) if place > heads[0] and place not in heads]
    assert rest
    assert all(line.startswith(" " * 11) and line[11] != " " for line in rest)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_wrapped_text_has_the_same_words(width: int) -> None:
    assert as_text(LONG, width).split() == as_text(LONG).split()


@pytest.mark.parametrize("before", range(30, 80, 7))
@pytest.mark.parametrize(
    "whole", ["`cvatbuild build a.yaml --out b`", "'a name of three words'", "`- nms: 0.45`"]
)
def test_text_in_quotes_or_backticks_is_not_wrapped(before: int, whole: str) -> None:
    words = ("x " * before)[:before]
    problem = Problem("is wrong", hint=f"{words} {whole} and so on", rule=INVALID_YAML)
    lines = as_text(problem, 80).splitlines()
    assert any(whole in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_an_apostrophe_is_not_a_quote() -> None:
    words = "the model's words " + "and more " * 12 + "are CVAT's words"
    lines = as_text(Problem(words, rule=INVALID_YAML), 80).splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 80


def test_words_wider_than_the_terminal_are_not_wrapped() -> None:
    address = "https://example.com/" + "a-long-path/" * 10
    command = f"`curl -o model.onnx {address}`"
    for whole in (address, command):
        lines = as_text(
            Problem("is wrong", hint=f"see {whole} first", rule=INVALID_YAML), 80
        ).splitlines()
        assert any(whole in line for line in lines)
