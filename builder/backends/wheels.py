"""The wheels of the packages that images install: digests and licenses.

wheels.json has an entry for each requirement of builder.backends.pins; builder.reference.wheels
writes it from PyPI.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from builder.manifest.variants import Platform

TABLE = resources.files("builder.backends").joinpath("wheels.json")
"""The table: requirement -> `license` and `wheels`."""

MACHINES: dict[Platform, str] = {"amd64": "x86_64", "arm64": "aarch64"}
"""Docker's name of a platform -> Python's name of it."""

_MANYLINUX = re.compile(r"manylinux_?(\d+)(?:_(\d+))?_(x86_64|aarch64)")
"""A platform tag of a wheel, as PEP 600 defines it; manylinux2014 stands for glibc 2.17."""


@dataclass(frozen=True, slots=True)
class Package:
    """The wheels of one version of a package.

    Attributes:
        license: SPDX expression or the license's name in the package's metadata; empty if the
            metadata has none.
        wheels: file name -> SHA-256 in hexadecimal, for CPython 3.11 on x86-64 and aarch64 Linux.
    """

    license: str
    wheels: dict[str, str]

    def glibc(self, platform: Platform) -> tuple[int, int] | None:
        """Return the oldest glibc that a wheel for a platform supports, by the file names.

        Returns:
            The version; (0, 0) if a wheel fits any platform, None if no wheel fits this one.
        """
        found = []
        for name in self.wheels:
            for major, minor, machine in _MANYLINUX.findall(name):
                if machine == MACHINES[platform]:
                    found.append((int(major), int(minor)) if minor else (2, 17))
            found += [(0, 0)] if name.endswith("-any.whl") else []
        return min(found, default=None)


@cache
def packages() -> dict[str, Package]:
    """Return the table: requirement without extras, such as `numpy==2.4.6` -> package."""
    data = json.loads(TABLE.read_text("utf-8"))
    return {name: Package(it["license"], it["wheels"]) for name, it in data.items()}
