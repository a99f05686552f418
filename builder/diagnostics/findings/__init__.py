"""Every kind of finding by its code, one module for each group of them.

The codes are stable, so that a script can tell one finding from another by them.
docs/diagnostics.md is made from these tables: `python -m builder.reference`.
"""

from builder.diagnostics.findings.building import BUILDING
from builder.diagnostics.findings.form import FORM
from builder.diagnostics.findings.function import FUNCTION
from builder.diagnostics.findings.kind import Kind, Severity
from builder.diagnostics.findings.labels import LABELS
from builder.diagnostics.findings.model import MODEL
from builder.diagnostics.findings.traps import TRAPS

__all__ = ["GROUPS", "KINDS", "Kind", "Severity"]

GROUPS: dict[str, dict[str, Kind]] = {
    "The manifest's form": FORM,
    "The function": FUNCTION,
    "Labels and attributes": LABELS,
    "The model": MODEL,
    "Traps": TRAPS,
    "Building and running": BUILDING,
}
"""Heading of docs/diagnostics.md -> code -> kind."""

KINDS: dict[str, Kind] = {code: kind for group in GROUPS.values() for code, kind in group.items()}
"""Code -> kind."""
