import re

import pytest
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from builder.backends import pins, wheels
from builder.reference.wheels import requirements

GLIBC = range(36, 4, -1)
"""Minor versions of glibc 2 whose wheels Debian 12 installs."""


def tags(machine: str) -> set[Tag]:
    """The tags of wheels for CPython 3.11 on Debian 12, as pip computes them."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC]
    platforms += [f"manylinux{year}_{machine}" for year in ("2014", "2010", "1")]
    version = (3, 11)
    return {
        *cpython_tags(version, ["cp311"], platforms),
        *compatible_tags(version, "cp311", platforms),
    }


def test_the_table_has_the_pinned_packages() -> None:
    assert sorted(wheels.packages()) == requirements()


@pytest.mark.parametrize("requirement", requirements())
def test_every_wheel_has_a_digest(requirement: str) -> None:
    digests = wheels.packages()[requirement].wheels.values()
    assert digests
    assert all(re.fullmatch("[0-9a-f]{64}", it) for it in digests)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("requirement", requirements())
def test_an_image_finds_a_wheel_of_every_package(requirement: str, machine: str) -> None:
    name, _, version = requirement.partition("==")
    files = map(parse_wheel_filename, wheels.packages()[requirement].wheels)
    found = [it for it in files if it[3] & tags(machine)]
    if requirement == "onnxruntime-gpu==1.26.0" and machine == "aarch64":
        assert found == []  # CUDA 12 has no wheels for ARM.
        return
    assert {(file[0], str(file[1])) for file in found} == {(name, version)}


def test_the_licenses_of_permissive_packages() -> None:
    table = wheels.packages()
    found = {it.partition("==")[0]: table[it].license for it in pins.COMMON}
    assert found["opencv-python-headless"] == "Apache-2.0"
    assert found["simplejpeg"] == "MIT"
    assert "BSD-3-Clause" in found["numpy"]
