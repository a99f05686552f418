"""The wheels of the packages that images install: digests and licenses.

wheels.json has an entry for each requirement of builder.backends.pins; builder.reference.wheels
writes it from PyPI.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

TABLE = resources.files("builder.backends").joinpath("wheels.json")
"""The table: requirement -> `license` and `wheels`."""


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


@cache
def packages() -> dict[str, Package]:
    """Return the table: requirement without extras, such as `numpy==2.4.6` -> package."""
    data = json.loads(TABLE.read_text("utf-8"))
    return {name: Package(it["license"], it["wheels"]) for name, it in data.items()}
