"""Kubernetes quantities, such as `500m` or `4Gi`."""

import re

_SUFFIXES = {
    "": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
}  # fmt: skip
"""Suffix -> factor."""


def amount(quantity: str) -> float:
    """Return a quantity as a number of bytes or cores.

    Args:
        quantity: a text that matches MEMORY or CORES of builder.manifest.patterns.
    """
    number, suffix = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", quantity).groups()  # type: ignore[union-attr]
    return float(number) * _SUFFIXES[suffix]
