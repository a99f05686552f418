import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from builder.reference.json_schema import text
from tests.gallery import MANIFEST
from tests.paths import ROOT

COMMITTED = ROOT / "builder" / "reference" / "manifest.schema.json"
SHIPPED = [
    *sorted((ROOT / "manifests").glob("*.yaml")),
    *(ROOT / "manifests/official").glob("*.yaml"),
]


def complaints(manifest: str) -> list[Any]:
    validator = Draft202012Validator(json.loads(COMMITTED.read_text("utf-8")))
    return list(validator.iter_errors(yaml.safe_load(manifest)))


def test_the_schema_is_valid() -> None:
    Draft202012Validator.check_schema(json.loads(text()))


@pytest.mark.parametrize("manifest", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_manifest_fits_the_schema(manifest: Path) -> None:
    assert complaints(manifest.read_text("utf-8")) == []


@pytest.mark.parametrize("form", ["nms", "nms: 0.6", "nms: {iou: 0.6, max: 10}", "nms:"])
def test_short_and_long_forms_of_steps_fit(form: str) -> None:
    assert complaints(MANIFEST.replace("nms: 0.45", form)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("preprocess:", "preproces:"),
        ("nms: 0.45", "nms: {iuo: 0.45}"),
        ("letterbox", "leterbox"),
        ("threshold", "treshold"),
        ("detector", "detecter"),
        ("nms: 0.45", "nms: 45"),
    ],
)
def test_misspelled_keys_and_invalid_values_do_not_fit(old: str, new: str) -> None:
    assert complaints(MANIFEST.replace(old, new)) != []
