"""Checks of manifests without their models."""

from pathlib import Path

from builder.diagnostics.errors import ManifestError
from builder.lint.examine import examine
from builder.manifest.schema import Manifest


def check_without_model(file: Path) -> Manifest:
    """Check a manifest without its model; return its content.

    Raises:
        ManifestError: with all errors.
    """
    examined = examine(file, with_models=False)
    errors = [problem for problem in examined.problems if problem.severity == "error"]
    if errors:
        raise ManifestError(*errors)
    assert examined.manifest_file is not None
    manifest: Manifest = examined.manifest_file.manifest
    return manifest
