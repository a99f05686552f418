"""CVAT's XML, for images and for video, version 1.1.

Format: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/
"""

import re
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from builder.datasets.files import opened
from builder.datasets.files import place as place_in
from builder.datasets.formats.cvat_shapes import SHAPES, annotation
from builder.datasets.image_files import ImageFiles
from builder.datasets.index import Entry, Index
from builder.datasets.indexed import Contents, Objects
from builder.datasets.request import Request
from builder.datasets.value import Place, label
from builder.datasets.xml import Element, elements, restored

_FRAME = re.compile(r"frame_(\d+)\.\w+")
"""CVAT's names of a video's frames."""


@dataclass
class _Meta:
    """What the file says about the whole task.

    Attributes:
        labels: the names of the labels; a dict keeps them in order.
        skeletons: label -> names of its keypoints.
        declared: whether the file lists the labels, so that others are errors.
        start, step: number of the first frame, and the distance of frames.
        size: the number of frames, if the file is of one task.
    """

    labels: dict[str, None] = field(default_factory=dict)
    skeletons: dict[str, tuple[str, ...]] = field(default_factory=dict)
    declared: bool = False
    start: int = 0
    step: int = 1
    size: int | None = None

    def read(self, meta: Element, place: Place) -> None:
        """Read the element `meta`."""
        for entry in (it for labels in meta.below("labels") for it in labels.children):
            name, parent = entry.child_text("name"), entry.child_text("parent")
            if entry.tag != "label" or not name:
                continue
            self.declared = True
            if parent:
                self.skeletons[parent] = (*self.skeletons.get(parent, ()), name)
            else:
                self.labels[label(name, Place(place.file, entry.line))] = None
        sizes = [size.text for size in meta.below("size")]
        self.size = int(sizes[0]) if len(sizes) == 1 and sizes[0].isdecimal() else None
        for start in meta.below("start_frame"):
            self.start = int(start.text) if start.text.isdecimal() else 0
        for filter_ in meta.below("frame_filter"):
            found = re.search(r"step\s*=\s*(\d+)", filter_.text)
            self.step = max(1, int(found[1])) if found else 1

    def check(self, element: Element, place: Place) -> str:
        """Return the label of an element; add it to the labels if the file lists none."""
        value = element.value(place)["label"]
        name = value.text()
        if name not in self.labels:
            if self.declared:
                raise value.error("unknown label", ", ".join(self.labels))
            self.labels[label(name, value.place)] = None
        return name


def read(request: Request) -> Contents | None:
    """Return the contents of CVAT's XML; None if it is not there.

    Raises:
        DatasetError: see open_dataset.
    """
    name = request.named("annotations.xml")
    if name is None or b"<annotations" not in request.start(name):
        return None
    folder = name.rpartition("/")[0]
    files = request.image_files([f"{folder}/images".lstrip("/"), folder])
    place = place_in(request.files, name)
    meta, video = _Meta(), _Video(place, request.index)
    with opened(request.files, name) as stream:
        for element, parent in elements(stream, place, "track"):
            if element.tag == "meta":
                meta.read(element, place)
            elif element.tag == "image":
                _add_image(request.index, files, element, place, meta)
            elif parent.tag == "track" and element.tag in SHAPES:
                video.add(element, parent, meta.check(parent, place), meta.step)
    if video.used:
        video.add_images(files, meta)
    files.check(place)
    request.index.finish(place)
    if not len(request.index):
        raise place.error("has no images", hint="export the task as CVAT for images 1.1")
    if video.used:
        video.check()

    def objects(entry: Entry, rows: list[bytes], _: Path) -> Objects:
        stored = map(orjson.loads, rows) if video.used else orjson.loads(entry.data)
        found = (
            annotation(restored(plain), place, name, meta.skeletons, track)
            for plain, name, track in stored
        )
        return tuple(it for it in found if it is not None), ()

    kind = "video" if video.used else "images"
    return Contents(f"CVAT for {kind}", tuple(meta.labels), request.index, files, objects)


def _add_image(
    index: Index, files: ImageFiles, element: Element, place: Place, meta: _Meta
) -> None:
    """Add an element `image` to the index."""
    value = element.value(place)
    name, subset = value["name"].text(), element.attributes.get("subset", "")
    shapes = [
        (shape.plain(), meta.check(shape, place), None)
        for shape in element.children
        if shape.tag in SHAPES
    ]
    found = files.find(name, value.place, subset)
    if found is not None:
        full = f"{subset}/{name}" if subset else name
        index.add(Entry(full, *found, data=orjson.dumps(shapes)), value.place)


@dataclass
class _Video:
    """The tracks of CVAT for video. Their shapes name frames by numbers.

    CVAT lists the shape of a track in every frame until it is outside, those between keyframes
    interpolated.
    """

    place: Place
    index: Index
    used: bool = False
    _task: str | None = None
    _last: tuple[str, int, bool] = ("", 0, True)
    """Track, frame and whether it is outside, of the last shape."""
    _gaps: list[tuple[int, int, int]] = field(default_factory=list)
    """Line, and the frames before and after those in which a track has no shape."""
    _frames: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, element: Element, track: Element, name: str, step: int) -> None:
        """Add a shape of a track."""
        value, of_track = element.value(self.place), track.value(self.place)
        frame, number = value["frame"].whole(), of_track["id"].whole()
        task = track.attributes.get("task_id", "")
        if self.used and task != self._task:
            raise of_track.error(
                "has tracks of several tasks, whose frames have the same numbers",
                hint="export each task by itself",
            )
        self.used, self._task = True, task
        last_track, last, outside = self._last
        if last_track == track.attributes["id"] and not outside and frame > last + step:
            self._gaps.append((element.line, last, frame))
        self._last = track.attributes["id"], frame, element.attributes.get("outside") == "1"
        if not self._last[2]:
            self.index.add_object(str(frame), orjson.dumps((element.plain(), name, number)))

    def add_images(self, files: ImageFiles, meta: _Meta) -> None:
        """Add the frames: `frame_000012.png` as CVAT names them, or all images in order."""
        names = sorted(files.names())
        numbered = [(int(match[1]), it) for it in names if (match := _FRAME.search(it[1]))]
        if not numbered and meta.size is not None and len(names) != meta.size:
            raise self.place.error(
                f"the task has {meta.size} frames, and {len(names)} images were found",
                allowed="all images of the task, or names such as frame_000012.png",
                hint="export with images, or name the folder of the frames: --images DIR",
            )
        frames = numbered or [
            (meta.start + meta.step * position, it) for position, it in enumerate(names)
        ]
        for frame, (folder, file) in sorted(frames):
            self.index.add(Entry(file, folder, file, str(frame)), self.place)
            self._frames.append(frame)

    def check(self) -> None:
        """Check that each shape has an image, and that no image lies in a gap of a track.

        Raises:
            DatasetError: they do not.
        """
        stray = self.index.stray()
        if stray is not None:
            raise self.place.error(
                f"frame {stray} has annotations and no image",
                allowed=f"{len(self._frames)} images",
                hint="export with images, or name the folder of the frames: --images DIR",
            )
        for line, before, after in self._gaps:
            position = bisect_right(self._frames, before)
            if position < len(self._frames) and self._frames[position] < after:
                raise Place(self.place.file, line).error(
                    f"the track has no shape in frame {self._frames[position]}",
                    allowed="a shape in every frame, as CVAT exports it",
                    hint="import the file into CVAT and export it again",
                )
