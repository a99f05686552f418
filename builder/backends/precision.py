"""The precision of a variant's models: settings, and how much the results may change."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from builder.diagnostics.rule import Rule
from builder.manifest.validation import Strict

Precision: TypeAlias = Literal["float32", "tf32", "fp16", "int8"]

REDUCED: tuple[Precision, ...] = ("fp16", "int8")
"""The precisions for which the build writes model files of the variant's own."""

UNSUPPORTED_PRECISION = Rule(
    "unsupported-precision",
    "Precision is not available",
    "The function would compute in another precision than the manifest says.",
)
PRECISION_SETTINGS = Rule(
    "precision-settings",
    "Settings do not match the precision",
    "`precision: int8` needs images, and other precisions than it and `fp16` are not measured.",
)

_Pixels = Annotated[float, Field(ge=0, le=1000)]
_Share = Annotated[float, Field(ge=0, le=1)]


class Limits(Strict):
    """How much the results of a variant may differ from those in float32."""

    lost: _Share | None = None
    """Share of the objects that only one of the two finds. Default: 0.05 for fp16, 0.1 for int8."""
    box: _Pixels | None = None
    """Movement of the sides of a bounding box, in pixels of the model's input. Default: 1 for fp16,
    4 for int8."""
    score: _Share | None = None
    """Difference of scores. Default: 0.02 for fp16, 0.1 for int8."""
    area: _Share | None = None
    """Difference of the share of the image that a mask or a class covers. Default: 0.01 for fp16,
    0.02 for int8."""
    vector: _Share | None = None
    """Length of the difference of two ReID vectors, relative to the vectors. Default: 0.02 for
    fp16, 0.1 for int8."""

    def of(self, precision: Precision) -> dict[str, float]:
        """Return all limits, with the defaults of a precision."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: DEFAULTS[precision][name] if value is None else value
            for name, value in given.items()
        }


FILE_SHARES: dict[Precision, float] = {"fp16": 1 / 2, "int8": 1 / 3}
"""Precision -> about the size of a converted model file, divided by that of the original. int8 is
more than a quarter: the last layers stay in float32, and each channel has a scale."""

DEFAULTS: dict[Precision, dict[str, float]] = {
    "fp16": {"lost": 0.05, "box": 1, "score": 0.02, "area": 0.01, "vector": 0.02},
    "int8": {"lost": 0.1, "box": 4, "score": 0.1, "area": 0.02, "vector": 0.1},
}
"""Precision -> the largest difference of each kind that a build accepts by default."""
