import io
import struct

import numpy as np
import pytest
import tifffile

from runtimes import tiff
from tests.runtimes import image_files
from tests.runtimes.image_files import COLOR


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}, {"rowsperstrip": 5}])
def test_entries_match_tifffile(order: str, big: bool, options: dict[str, object]) -> None:
    data = image_files.tiff(
        np.tile(COLOR, (2, 2, 1)), photometric="rgb", byteorder=order, bigtiff=big, **options
    )
    found = {entry.tag: entry for entry in tiff.entries(data)}
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tags = {tag.code: tag for tag in file.pages[0].tags.values()}  # type: ignore[union-attr]
        assert list(found) == list(tags)
        # Offsets and sizes of strips or tiles, and numbers that fit into the entry.
        for code in {256, 257, 258, 273, 279, 324, 325} & set(tags):
            value = tags[code].value
            wanted = value if isinstance(value, tuple) else (value,)
            assert found[code].integers(data) == wanted


def test_a_type_that_is_not_an_unsigned_integer_has_no_values() -> None:
    data = image_files.tiff(COLOR, photometric="rgb", description="text")
    found = {entry.tag: entry for entry in tiff.entries(data)}
    assert found[270].integers(data) == ()


@pytest.mark.parametrize("size", [4, 7, 9, 20])
def test_a_directory_beyond_the_end_is_an_error(size: int) -> None:
    data = image_files.tiff(COLOR, photometric="rgb")
    with pytest.raises(struct.error):
        list(tiff.entries(data[:size]))


def test_a_huge_directory_is_read_in_part() -> None:
    entry = struct.pack("<HHII", 256, 3, 1, 7)
    data = b"II*\0" + struct.pack("<IH", 8, 65535) + entry * 65535
    assert len(list(tiff.entries(data))) == 4096
