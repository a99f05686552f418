"""What answers an image: a function of any type, or saved answers."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol

from builder.diagnostics.errors import CommandLineError
from builder.diagnostics.problem import Problem
from builder.evaluation.measure import Unanswered
from builder.evaluation.parity.item import Item, item_of
from builder.evaluation.parity.pictures import Picture
from builder.evaluation.region import Region
from builder.run.judge import detector, interactor, reid, tracker
from builder.run.predict.files import pixels_of
from builder.run.predict.interactor import masks_of, request_of
from builder.run.predict.prediction import Prompts
from builder.run.predict.reid import read_boxes
from builder.run.predict.reid import request_of as reid_request_of
from builder.run.predict.tracker import found_shapes, shape_of, types_of
from builder.run.process import FunctionProcess
from runtimes.arrays import Size
from runtimes.errors import BadRequest

_PLACES = ((0.5, 0.5), (0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
"""Where an interactor is clicked without prompts of the command line, in shares of the image."""

_STEP = 0.02
"""Distance of the further points of an interactor that needs several, in shares of the image."""

_BOX = 0.15
"""Half the side of the box around such a place, in shares of the image."""


class Side(Protocol):
    """The interface of both sides of a comparison."""

    @property
    def name(self) -> str:
        """The name in the report."""

    @property
    def threshold(self) -> float | None:
        """The confidence threshold of the answers, if it is known."""

    def __call__(self, picture: Picture) -> list[Item]:
        """Return the items of an image.

        Raises:
            Unanswered: there is no valid answer.
            BuiltError: the function gives no HTTP response.
        """


class FunctionSide(ABC):
    """A started function; see Side. A subclass for each function type sends the requests."""

    IMAGES: ClassVar[int] = 1
    """Number of images of a request."""

    def __init__(self, name: str, function: FunctionProcess, prompts: Prompts) -> None:
        """Create a side.

        Args:
            name: the name in the report.
            function: a started function.
            prompts: the options of the command line. Their threshold replaces the function's own.

        Raises:
            CommandLineError: a prompt is missing or invalid.
        """
        self.name = name
        self.function = function
        self.prompts = prompts

    @abstractmethod
    def __call__(self, picture: Picture) -> list[Item]:
        """See Side."""

    @property
    def threshold(self) -> float | None:
        """See Side."""
        if self.prompts.threshold is not None:
            return self.prompts.threshold
        stated = re.search(r"; threshold ([\d.e-]+)", self._start_line)
        return float(stated[1]) if stated else None

    @property
    def description(self) -> str:
        """The runtime, the device and the threshold; and why it is not the variant's device."""
        stated = re.match(r"info: \w+: ([^;]*)", self._start_line)
        threshold = None if self.threshold is None else f"threshold {self.threshold:g}"
        parts = (stated and stated[1], threshold, *self.function.warnings[:1])
        return f"{self.name}: {'; '.join(filter(None, parts))}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the requests."""
        return ()

    @property
    def _start_line(self) -> str:
        """The line that the function logs when it starts; see runtimes.service.Service.start."""
        return self.function.log[0] if self.function.log else ""

    def ask(self, image: bytes, **request: Any) -> Any:
        """Send an image, and return the body of the reply.

        Raises:
            Unanswered: the status is not 200.
            BuiltError: the function gives no HTTP response.
        """
        return self.body(self.function(image, **request, **self.prompts.request()))

    def body(self, reply: Any) -> Any:
        """Return the body of a reply; see ask."""
        if reply.status != 200:
            raise Unanswered(f"{self.name}: HTTP {reply.status}: {reply.body.get('error', '')}")
        return reply.body

    def check(self, faults: Sequence[str]) -> None:
        """Raise Unanswered if a reply has faults, as builder.run.judge words them."""
        if faults:
            raise Unanswered(f"{self.name}: invalid for CVAT: {faults[0]}")


class DetectorSide(FunctionSide):
    """A detector."""

    def __call__(self, picture: Picture) -> list[Item]:
        """See Side."""
        reply = self.ask(picture.data[0])
        self.check(detector.judge(reply, self.function.labels))
        return [item_of(item) for item in reply]


class InteractorSide(FunctionSide):
    """An interactor. Without prompts of the command line, it is clicked at five places."""

    def __call__(self, picture: Picture) -> list[Item]:
        """See Side. The label of a mask is the name of its prompt."""
        size = size_of(picture.data[0])
        items = []
        for name, prompts in self._asked(size):
            reply = self.ask(picture.data[0], **request_of(prompts))
            self.check(interactor.judge(reply, size))
            for mask in masks_of(reply):
                region = Region(mask.bitmap > 0, mask.left, mask.top)
                items.append(Item(name, "region", "mask", mask.score, region=region))
        return items

    @property
    def notes(self) -> tuple[str, ...]:
        """See FunctionSide: where the clicks are."""
        if self._has_prompts:
            return ()
        places = ", ".join(f"({x:.0%}, {y:.0%})" for x, y in _PLACES)
        return (f"prompts: a click, a box or both, as the function takes them, at {places}",)

    @property
    def _has_prompts(self) -> bool:
        """Whether the command line has prompts."""
        return bool(self.prompts.pos or self.prompts.neg or self.prompts.box)

    def _asked(self, size: Size) -> Iterator[tuple[str, Prompts]]:
        """Yield the prompts of each request, with their names."""
        if self._has_prompts:
            yield "prompts", replace(self.prompts, threshold=None)
            return
        height, width = size
        annotations = self.function.annotations
        count = max(1, int(annotations["min_pos_points"]))
        for place, (x, y) in enumerate(_PLACES):
            points = tuple((width * (x + _STEP * it), height * y) for it in range(count))
            left, right = width * (x - _BOX), width * (x + _BOX)
            box = (left, height * (y - _BOX), right, height * (y + _BOX))
            if "startswith_box" not in annotations:
                yield f"click {place + 1}", Prompts(pos=points)
            if "startswith_box" in annotations or "startswith_box_optional" in annotations:
                yield f"box {place + 1}", Prompts(pos=points, box=(box,))


class TrackerSide(FunctionSide):
    """A tracker. The images are the frames of one video, in order."""

    def __init__(self, name: str, function: FunctionProcess, prompts: Prompts) -> None:
        """See FunctionSide."""
        super().__init__(name, function, prompts)
        if not prompts.box:
            raise CommandLineError(
                Problem(
                    "a tracker needs the bounding boxes of the objects in the first image",
                    found="no --box",
                    allowed="--box X1,Y1,X2,Y2, once per object",
                )
            )
        self._type = types_of(function)[0]
        self._sent: dict[str, Any] = {
            "shapes": [shape_of(box, self._type) for box in prompts.box],
            "states": [],
        }
        self._stopped = ""

    def __call__(self, picture: Picture) -> list[Item]:
        """See Side. The label of a shape is the number of its object; lost ones are no items."""
        if self._stopped:
            raise Unanswered(f"{self.name}: no state since {self._stopped}")
        try:
            reply = self.ask(picture.data[0], **self._sent)
            self.check(tracker.judge(reply, [self._type] * len(self.prompts.box)))
        except Unanswered:
            self._stopped = picture.name
            raise
        self._sent = {"shapes": [None] * len(self.prompts.box), "states": reply["states"]}
        return [
            item_of({**shape, "label": f"object {number}"})
            for number, shape in enumerate(found_shapes(reply))
            if shape is not None
        ]


class ReidSide(FunctionSide):
    """A ReID function. Two images are one request."""

    IMAGES = 2

    def __init__(self, name: str, function: FunctionProcess, prompts: Prompts) -> None:
        """See FunctionSide."""
        super().__init__(name, function, prompts)
        if prompts.boxes is None:
            raise CommandLineError(
                Problem(
                    "ReID needs the bounding boxes of two images",
                    found="no --boxes",
                    allowed="--boxes FILE; see `cvatbuild predict`",
                )
            )
        self._boxes = read_boxes(prompts.boxes)

    def __call__(self, picture: Picture) -> list[Item]:
        """See Side. Each box of the first image is an item, labeled with its match."""
        first, second = picture.data
        asked = reid_request_of(first, second, *self._boxes)
        request = {**asked, **self.prompts.request()}
        reply = self.body(self.function.send(request, "application/json"))
        self.check(reid.judge(reply, *map(len, self._boxes)))
        return [Item(_matched(box, match), "tag", "tag") for box, match in enumerate(reply)]


def _matched(box: int, match: int) -> str:
    """Return the label for a box and its match."""
    return f"box {box} is box {match}" if match >= 0 else f"box {box} has no match"


SIDES: dict[str, type[FunctionSide]] = {
    "detector": DetectorSide,
    "interactor": InteractorSide,
    "tracker": TrackerSide,
    "reid": ReidSide,
}
"""Function type -> class."""


def size_of(data: bytes) -> Size:
    """Return height and width of an image file.

    Raises:
        Unanswered: it cannot be decoded.
    """
    try:
        height, width = pixels_of(data).shape[:2]
    except BadRequest as error:
        raise Unanswered(str(error)) from error
    return height, width
