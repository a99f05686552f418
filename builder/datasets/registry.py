"""Opening of datasets: recognizes their format."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from builder.datasets.dataset import Dataset
from builder.datasets.formats import (
    coco,
    cvat,
    datumaro,
    image_folders,
    market,
    masks,
    mot,
    tracking,
    yolo,
)
from builder.datasets.indexed import Contents, IndexedDataset
from builder.datasets.request import Request, request


@dataclass(frozen=True, slots=True)
class Format:
    """A dataset format.

    Attributes:
        sign: by what a dataset of this format is recognized, for messages.
        read: returns the contents of a dataset, or None if it has another format.
    """

    sign: str
    read: Callable[[Request], Contents | None]


FORMATS = (
    Format("annotations.xml (CVAT)", cvat.read),
    Format("data.yaml or obj.data (YOLO)", yolo.read),
    Format("annotations/*.json or _annotations.coco.json (COCO)", coco.read),
    Format("annotations/*.json with `items` (Datumaro)", datumaro.read),
    Format("SegmentationClass (masks)", masks.read),
    Format("gt/gt.txt (MOT)", mot.read),
    Format("query and bounding_box_test (Market-1501)", market.read),
    Format("groundtruth.txt or groundtruth_rect.txt (tracking)", tracking.read),
    Format("a folder of images for each class", image_folders.read),
)
"""All formats. The first one that recognizes a dataset reads it."""


def open_dataset(path: Path, images: Path | None = None) -> Dataset:
    """Open a dataset of any format.

    Args:
        path: a file, a folder or a ZIP archive. The format is recognized by the content.
        images: the folder of the images, if they are not beside the annotations.

    Raises:
        CommandLineError: one of the paths does not exist.
        DatasetError: the format is unknown, a file is missing or invalid, or images are missing.
    """
    with ExitStack() as stack:
        asked = request(path, images, stack)
        for format_ in FORMATS:
            contents = format_.read(asked)
            if contents is not None:
                return IndexedDataset(path, contents, stack.pop_all())
        raise asked.place.error(
            "is not a dataset of a known format",
            allowed="; ".join(format_.sign for format_ in FORMATS),
            hint="name the file with the annotations, or export the task from CVAT as CVAT for "
            "images, COCO or Ultralytics YOLO",
        )
