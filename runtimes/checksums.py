"""The checksums of a function's model files."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from runtimes.errors import BadStart


def verify(folder: Path, files: Mapping[str, str]) -> None:
    """Check that the model files are those that the function was built with.

    Args:
        folder: the folder of the model files.
        files: file name -> SHA-256 in hexadecimal.

    Raises:
        BadStart: a file is missing, cannot be read, or has another SHA-256.
    """
    for name, expected in files.items():
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
                size = file.tell()
        except OSError as error:
            raise BadStart(
                f"the model file {name} cannot be read ({error.strerror})",
                hint="deploy the complete directory that cvatbuild wrote",
            ) from error
        if found != expected:
            raise BadStart(
                f"the model file {name} is not the one that the function was built with",
                found=f"{size} bytes, SHA-256 {found}",
                allowed=f"SHA-256 {expected}",
                hint="build the function again, and deploy the directory that cvatbuild writes",
            )
