"""Names in options of the command line: namespaces, networks of Docker, and registries."""

import re

from builder.diagnostics.errors import CommandLineError
from builder.diagnostics.problem import Problem
from builder.manifest.patterns import WORDS
from builder.targets.nuclio.kubernetes import REGISTRY

_ALLOWED = {
    # Kubernetes: RFC 1123 label.
    "--namespace": (
        r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
        "lower-case letters, digits and hyphens: `nuclio`",
    ),
    "--network": (
        r"[A-Za-z0-9][A-Za-z0-9_.-]*",
        "letters, digits, underscores, points and hyphens: `cvat_cvat`",
    ),
    "--registry": (REGISTRY, WORDS[REGISTRY]),
}
"""Option -> the pattern of its values, and its description."""


def require_name(option: str, value: str | None) -> None:
    """Check the value of `--namespace`, `--network` or `--registry`; None is not checked.

    Raises:
        CommandLineError: the value is not such a name.
    """
    expression, words = _ALLOWED[option]
    if value is not None and not re.fullmatch(expression, value):
        raise CommandLineError(
            Problem(f"{option} has an invalid value", found=repr(value), allowed=words)
        )
