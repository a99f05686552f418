"""URLs that are written where the path of a file is expected."""

import re

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule

MODEL_URL = Rule(
    "model-url",
    "URL is written as a path",
    "The file at a URL may change, so its SHA-256 belongs to it.",
)

_URL = re.compile(r"(https?|ftp|s3|gs|hf|file):/+(?=[^/])", re.IGNORECASE)
"""The beginning of a URL. `Path` joins the two slashes."""


def is_url(text: str) -> bool:
    """Return whether the path of a model is a URL."""
    return _URL.match(text) is not None


def restored(text: str) -> str:
    """Return a URL with both slashes after its scheme."""
    return _URL.sub(lambda match: f"{match[1].lower()}://", text, count=1)


def url_problem(text: str, key: str) -> Problem:
    """Return the problem of a URL that is written as a path.

    Args:
        text: the URL.
        key: the manifest's key for the model.
    """
    url = restored(text)
    hint = f"write `{key}: {{url: {url}, sha256: ...}}`"
    if not url.startswith("http"):
        hint = f"download the file, or write `{key}: {{url: https://..., sha256: ...}}`"
    return Problem(
        "a URL is written as a path",
        found=url,
        allowed="a path, {url: ..., sha256: ...}, or {wheel: ..., file: ..., sha256: ...}",
        hint=f"{hint}, with the SHA-256 that `sha256sum FILE` prints",
        rule=MODEL_URL,
    )
