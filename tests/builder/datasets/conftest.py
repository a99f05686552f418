from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import pytest

WriteFiles: TypeAlias = Callable[[Mapping[str, str | bytes | tuple[int, int]]], Path]


@pytest.fixture
def write_files(tmp_path: Path) -> WriteFiles:
    """Writes files below a new folder; a pair of numbers is an image's width and height."""

    def write(files: Mapping[str, str | bytes | tuple[int, int]]) -> Path:
        folder = tmp_path / "dataset"
        for name, content in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, tuple):
                width, height = content
                assert cv2.imwrite(str(file), np.zeros((height, width, 3), np.uint8))
            else:
                file.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder

    return write
