"""The format of saved answers of a reference implementation; docs/parity.md describes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from builder.diagnostics.errors import DatasetError
from builder.diagnostics.problem import Problem
from builder.diagnostics.text import did_you_mean
from builder.run.predict.files import read_bytes

_MOST_PROBLEMS = 5
"""Number of problems that are reported; a wrong file may have thousands."""


def _pairs(numbers: list[float]) -> list[float]:
    """Return the numbers of a polygon if they are pairs."""
    if len(numbers) % 2:
        raise ValueError(f"{len(numbers)} numbers are not pairs of x and y")
    return numbers


def _ordered(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Return a box if its corners are in order."""
    x1, y1, x2, y2 = box
    if x2 < x1 or y2 < y1:
        raise ValueError("the box is x1, y1, x2, y2; x2 must be at least x1, and y2 at least y1")
    return box


_Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
_Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
_Box: TypeAlias = Annotated[tuple[_Number, _Number, _Number, _Number], AfterValidator(_ordered)]
_Numbers5: TypeAlias = tuple[_Number, _Number, _Number, _Number, _Number]
_Ring: TypeAlias = Annotated[list[_Number], Field(min_length=6), AfterValidator(_pairs)]
_Keypoint: TypeAlias = tuple[_Number, _Number] | tuple[_Number, _Number, _Share]


class _Strict(BaseModel):
    """A JSON object without other keys, whose values have exactly these types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Detection(_Strict):
    """An object that the reference implementation finds. One without a place is a tag."""

    label: str
    confidence: _Share | None = None
    box: _Box | None = None
    rotated_box: _Numbers5 | None = None
    mask: list[Annotated[int, Field(ge=0)]] | None = None
    polygons: Annotated[list[_Ring], Field(min_length=1)] | None = None
    keypoints: Annotated[list[_Keypoint], Field(min_length=1)] | None = None
    attributes: dict[str, str] | None = None


class Answers(_Strict):
    """The answers for one image."""

    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    detections: list[Detection]

    @model_validator(mode="after")
    def _masks_fill_the_image(self) -> "Answers":
        """Check that the run lengths of each mask fill the image."""
        for number, found in enumerate(self.detections):
            if found.mask is not None and sum(found.mask) != self.width * self.height:
                raise ValueError(
                    f"the runs of detections[{number}].mask have {sum(found.mask)} pixels, "
                    f"the image has {self.width * self.height}"
                )
        return self


class ReferenceFile(_Strict):
    """The whole file."""

    version: Literal[1]
    reference: str = "reference"
    threshold: _Share | None = None
    images: dict[str, Answers]


def read(file: Path) -> ReferenceFile:
    """Read and check a file.

    Raises:
        CommandLineError: it cannot be read.
        DatasetError: its content is invalid.
    """
    try:
        return ReferenceFile.model_validate_json(read_bytes(file))
    except ValidationError as error:
        listed = error.errors(include_url=False)[:_MOST_PROBLEMS]
        raise DatasetError(*(_problem(file, it) for it in listed)) from error


def _problem(file: Path, error: Mapping[str, Any]) -> Problem:
    """Return the problem for an error of pydantic."""
    path = tuple(it for it in error["loc"] if not str(it).startswith("tuple["))
    what = str(error["msg"]).removeprefix("Value error, ")
    found = "" if isinstance(error["input"], dict) else repr(error["input"])[:80]
    if error["type"] == "extra_forbidden":
        # A file has keys in its top level, in images.NAME and in images.NAME.detections.NUMBER.
        models: dict[int, type[_Strict]] = {1: ReferenceFile, 3: Answers}
        keys = models.get(len(path), Detection).model_fields
        return Problem(
            "unknown key",
            file=file,
            path=path,
            found=str(path[-1]),
            allowed=", ".join(keys),
            hint=did_you_mean(str(path[-1]), keys) or "docs/parity.md describes the format",
        )
    return Problem(
        what[:1].lower() + what[1:],
        file=file,
        path=path,
        found=found,
        hint="docs/parity.md describes the format",
    )
