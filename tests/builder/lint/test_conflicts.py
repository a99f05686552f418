from pathlib import Path
from typing import Any

import pytest

from builder.lint.conflicts import (
    DUPLICATE_FUNCTION,
    DUPLICATE_PORT,
    DUPLICATE_TITLE,
    find_conflicts,
)
from tests.builder.conftest import read_valid, write_manifest_to

PORT: dict[str, Any] = {"cpu": {"port": 9000}}


@pytest.mark.parametrize(
    ("first", "second", "reported"),
    [
        ({"name": "a"}, {"name": "b"}, []),
        ({"name": "a"}, {"name": "a"}, [(DUPLICATE_FUNCTION, "name")]),
        (
            {"name": "a", "title": "Boxes"},
            {"name": "b", "title": "Boxes"},
            [(DUPLICATE_TITLE, "title")],
        ),
        ({"name": "a", "title": "Boxes"}, {"name": "b", "title": "boxes"}, []),
        # Only the more serious conflict is reported.
        (
            {"name": "a", "title": "Boxes", "variants": PORT},
            {"name": "a", "title": "Boxes", "variants": PORT},
            [(DUPLICATE_FUNCTION, "name")],
        ),
        (
            {"name": "a", "variants": PORT},
            {"name": "b", "variants": {"gpu": {"port": 9000}}},
            [(DUPLICATE_PORT, "variants.gpu.port")],
        ),
        ({"name": "a", "variants": PORT}, {"name": "b", "variants": {"cpu": {"port": 9001}}}, []),
    ],
)
def test_a_conflict_is_reported_for_the_second_manifest(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any], reported: list[Any]
) -> None:
    files = [
        write_manifest_to(tmp_path, "first.yaml", **first),
        write_manifest_to(tmp_path, "second.yaml", **second),
    ]
    found = find_conflicts([read_valid(file) for file in files])
    assert [(it.rule, it.place) for it in found] == reported
    assert {it.file for it in found} <= {files[1]}


def test_both_variants_of_a_function_can_have_the_same_port(tmp_path: Path) -> None:
    variants = {"cpu": {"port": 9000}, "gpu": {"port": 9000}}
    file = write_manifest_to(tmp_path, variants=variants)
    assert find_conflicts([read_valid(file)]) == ()
