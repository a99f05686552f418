"""Manifests whose models are not here."""

from pathlib import Path

from builder.diagnostics.errors import ManifestError
from builder.manifest.schema import Manifest
from builder.plan.plan import examine


def check_without_model(file: Path) -> Manifest:
    """What a manifest says, as far as it can be judged without its model.

    Raises:
        ManifestError: with everything that is wrong.
    """
    examined = examine(file, look=False)
    errors = [problem for problem in examined.problems if problem.severity == "error"]
    if errors:
        raise ManifestError(*errors)
    assert examined.reading.read is not None
    manifest: Manifest = examined.reading.read.manifest
    return manifest
