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


@pytest.mark.parametrize(
    ("files", "amd64", "arm64"),
    [
        (["a-1-py3-none-any.whl"], (0, 0), (0, 0)),
        (["a-1-cp311-cp311-manylinux_2_34_aarch64.whl"], None, (2, 34)),
        (
            [
                "a-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
                "a-1-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl",
            ],
            (2, 17),
            (2, 27),
        ),
        (["a-1-cp311-cp311-musllinux_1_2_x86_64.whl"], None, None),
    ],
)
def test_the_oldest_glibc_of_wheels(
    files: list[str], amd64: tuple[int, int] | None, arm64: tuple[int, int] | None
) -> None:
    package = wheels.Package("", dict.fromkeys(files, ""))
    assert (package.glibc("amd64"), package.glibc("arm64")) == (amd64, arm64)


def test_only_cuda_12_lacks_wheels_for_arm() -> None:
    lacking = [name for name, it in wheels.packages().items() if it.glibc("arm64") is None]
    assert lacking == ["onnxruntime-gpu==1.26.0"]
    assert all(it.glibc("amd64") is not None for it in wheels.packages().values())
