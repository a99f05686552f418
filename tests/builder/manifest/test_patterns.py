import re

import pytest

from builder.manifest import patterns
from builder.manifest.patterns import WORDS, pattern, suggestion


@pytest.mark.parametrize(
    ("expression", "matching", "others"),
    [
        (patterns.NAME, ["a", "yolo-v8", "a1"], ["A", "1a", "-a", "a-", "a_b", "a\n"]),
        (patterns.SHA256, ["0" * 64, "af" * 32], ["0" * 63, "A" * 64, "0" * 65]),
        (patterns.URL, ["http://a", "https://a/b.onnx"], ["ftp://a", "https://", "https://a b"]),
        (patterns.CORES, ["2", "500m", "0.5"], ["", "4Gi", "1500M", "-1", "1e3", ".5"]),
        (patterns.MEMORY, ["4Gi", "0.5G", "4294967296"], ["", "4", "500m", "4GB", "-1Gi"]),
        (
            patterns.PIP_PACKAGE,
            ["numpy==2.4.6", "a[b,c]==1.0+cu12", "a_b.c==1"],
            ["numpy", "numpy>=2", "numpy==1 ", "numpy==1;x", "-r==1"],
        ),
        (
            patterns.MEMBER,
            ["m.onnx", "package/models/m-1.onnx"],
            ["/m.onnx", "../m.onnx", "a/../m.onnx", "m.pt", ".onnx", "a//m.onnx"],
        ),
        (patterns.VERSION, ["2.60", "10.0"], ["2", "2.60.1", "v2.60"]),
    ],
)
def test_a_pattern_matches_whole_values_of_its_form(
    expression: str, matching: list[str], others: list[str]
) -> None:
    # In the engine of pydantic, `$` does not match before a line break at the end.
    strict = expression.removesuffix("$") + r"\Z"
    assert [text for text in matching if not re.search(strict, text)] == []
    assert [text for text in others if re.search(strict, text)] == []


def test_every_pattern_is_described() -> None:
    expressions = [value for name, value in vars(patterns).items() if name.isupper()]
    assert {it for it in expressions if isinstance(it, str)} <= set(WORDS)


def test_a_target_can_add_a_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "WORDS", dict(WORDS))
    pattern("^x$", "an x")
    assert patterns.WORDS["^x$"] == "an x"


@pytest.mark.parametrize(
    ("expression", "text", "meant"),
    [
        (patterns.MEMORY, "4", "4Gi"),
        (patterns.MEMORY, "512", "512Mi"),
        (patterns.MEMORY, "4GB", "4Gi"),
        (patterns.MEMORY, "4 GiB", "4Gi"),
        (patterns.MEMORY, "1.5g", "1.5Gi"),
        (patterns.MEMORY, "much", ""),
        (patterns.MEMORY, "-4Gi", ""),
        (patterns.CORES, "1500M", "1500m"),
        (patterns.CORES, "2 cores", "2"),
        (patterns.CORES, "2Gi", "2"),
        (patterns.CORES, "all", ""),
        (patterns.NAME, "My Model", ""),
    ],
)
def test_a_text_of_another_form_gets_the_value_that_was_meant(
    expression: str, text: str, meant: str
) -> None:
    assert suggestion(expression, text) == meant
