"""Fixtures of the system tests: Nuclio's releases, built functions, an environment for them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.paths import MANIFESTS
from tests.system.engine import Engine, missing
from tests.system.processor import Release, python_of

RELEASES = "CVATBUILD_NUCLIO"
"""The environment variable with the folder of Nuclio releases; see CONTRIBUTING.md."""


def releases() -> list[Release]:
    """Return the releases of this machine, the oldest first."""
    folder = os.environ.get(RELEASES)
    if not folder:
        return []
    found = [Release(it.parent.name, it.parent) for it in Path(folder).glob("*/processor")]
    if not found:
        raise pytest.UsageError(f"{RELEASES}: {folder} has no file VERSION/processor")
    for release in found:
        if not release.wrapper.is_file():
            raise pytest.UsageError(f"{RELEASES}: {release.wrapper} is missing")
    return sorted(found, key=lambda it: [int(part) for part in it.version.split(".")])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of the processor with each release."""
    if "release" not in metafunc.fixturenames:
        return
    found = releases()
    if found:
        metafunc.parametrize("release", found, ids=lambda it: it.version, scope="session")
    else:
        reason = f"{RELEASES} names no folder with Nuclio's processor"
        metafunc.parametrize("release", [pytest.param(None, marks=pytest.mark.skip(reason=reason))])


@pytest.fixture(scope="session")
def example(build_from: Callable[[str], Path]) -> Callable[..., Path]:
    """Build an example function, with further lines in its manifest; return its directory."""

    def build_example(name: str, lines: str = "") -> Path:
        text = (MANIFESTS / f"{name}.yaml").read_text("utf-8")
        return build_from(text.replace("models/", f"{MANIFESTS}/models/") + lines)

    return build_example


@pytest.fixture(scope="session")
def python(example: Callable[..., Path]) -> Path:
    """The interpreter of an environment for CPU functions of all types.

    ReID needs all packages of the other types, and scipy.
    """
    return python_of(example("reid-demo") / "nuclio" / "requirements-cpu.txt")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """A Docker Engine. Without one the test is skipped, except in CI."""
    reason = missing()
    if reason:
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with Engine() as started:
        yield started
