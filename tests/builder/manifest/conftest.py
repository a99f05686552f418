from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from builder.diagnostics.problem import Problem
from builder.manifest.reading import ManifestFile
from tests.builder.conftest import WriteManifest, failure, read_valid

Read: TypeAlias = Callable[..., ManifestFile[Any]]
Refused: TypeAlias = Callable[..., Problem]


@pytest.fixture
def read(write_manifest: WriteManifest) -> Read:
    """Read the usual manifest with some keys changed."""
    return lambda **changes: read_valid(write_manifest(**changes))


@pytest.fixture
def refused(write_manifest: WriteManifest) -> Refused:
    """Return the only problem of the usual manifest with some keys changed."""

    def only(**changes: Any) -> Problem:
        path = write_manifest(**changes)
        (problem,) = failure(lambda: read_valid(path)).problems
        assert problem.file == path
        return problem

    return only
