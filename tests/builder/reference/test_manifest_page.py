from builder.manifest.schema import MANIFESTS
from builder.manifest.steps import known
from builder.reference.manifest_page import page
from tests.paths import ROOT

COMMITTED = ROOT / "docs" / "manifest.md"


def test_the_committed_page_is_what_the_docstrings_say() -> None:
    # Mended by: python -m builder.reference.manifest_page > docs/manifest.md
    assert COMMITTED.read_text("utf-8") == page()


def test_every_step_and_key_is_on_the_page() -> None:
    text = page()
    for section in ("preprocess", *MANIFESTS):
        assert [name for name in known(section) if f"### `{name}`\n" not in text] == []
    keys = [key for manifest in MANIFESTS.values() for key in manifest.model_fields]
    assert [key for key in keys if f"| `{key}` |" not in text] == []


def test_every_key_of_every_step_is_explained() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert rows
    assert [row for row in rows if row.endswith("|  |")] == []
