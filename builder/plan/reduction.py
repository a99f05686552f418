"""A variant whose models have reduced precision, and its difference from float32."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.backends.precision import Precision
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule, warning
from builder.manifest.variants import VariantName
from builder.plan.difference import SHARE, Difference

CONVERSION = Rule(
    "conversion",
    "Model cannot be converted",
    "The variant would have no model file in this precision.",
)
PRECISION_LOSS = Rule(
    "precision-loss",
    "Reduced precision changes the results too much",
    "The function would find other objects than its model does.",
)
NOTHING_COMPARED = warning(
    "nothing-compared",
    "Effect of the precision is unknown",
    "The function found no objects in the images that it was measured on.",
)

_TITLES = {"fp16": "half precision", "int8": "8-bit integers"}

_WORDS = {
    "box": "sides of boxes within {:g} pixels of the model's input",
    "score": "scores within {:g}",
    "area": "covered shares of the image within {:g}",
    "vector": "vectors within {:g} of their length",
}
"""Kind of difference -> its text."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """A variant whose models have reduced precision.

    Attributes:
        variant: the variant.
        precision: of its models.
        files: names in the function's folder of its model files.
        limits: kind of difference -> the largest accepted one.
        circumstances: all that determines the difference beside the models of the manifest.
        measure: returns the difference; takes about as long as building the model.
        calibration: name of each image of the calibration -> its SHA-256.
        key: stands for the models and the circumstances; empty before the difference is measured.
        difference: None before it is measured.
    """

    variant: VariantName
    precision: Precision
    files: tuple[str, ...]
    limits: Mapping[str, float]
    circumstances: bytes
    measure: Callable[[], Difference]
    calibration: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    difference: Difference | None = None

    @property
    def path(self) -> Path_:
        """The path of the key in the manifest."""
        return ("variants", self.variant, "precision")

    @property
    def summary(self) -> str:
        """The difference as one line."""
        assert self.difference is not None
        given = self.difference
        images = f"{given.images} image{'s' if given.images != 1 else ''}"
        if not given.objects:
            return f"no objects were found in {images}"
        sizes = [
            text.format(given.values[kind]) for kind, text in _WORDS.items() if kind in given.values
        ]
        lost = given.values.get("lost", 0)
        return "; ".join(
            [
                f"{given.objects} object{'s' if given.objects != 1 else ''} in {images}",
                *([f"{100 * lost:.2g} % of them found in one precision alone"] if lost else []),
                *([f"{', '.join(sizes)} for {SHARE} % of them"] if sizes else []),
            ]
        )

    @property
    def note(self) -> str:
        """A paragraph for the function's README."""
        files = " and ".join(f"`{name}`" for name in self.files)
        origin = "images of the calibration folder" if self.calibration else "drawn pictures"
        if self.calibration and self.precision == "int8":
            origin = f"{origin} that did not calibrate the model"
        return (
            f"The {self.variant.upper()} variant loads {files}, in {_TITLES[self.precision]} "
            f"(`precision: {self.precision}`). Difference from float32 on {origin}: "
            f"{self.summary}."
        )

    def problem(self, file: Path) -> Problem | None:
        """Return the reason to refuse the reduction; None if the difference is accepted.

        Args:
            file: the manifest.
        """
        assert self.difference is not None
        failed = f"`precision: {self.precision}` of the {self.variant} variant"
        if self.difference.not_finite:
            return Problem(
                f"{failed} gives values that are infinite or not numbers",
                file,
                path=self.path,
                found=f"in {', '.join(self.difference.not_finite)}",
                allowed="the finite values of float32",
                hint=f"remove `precision: {self.precision}`"
                + (", or use `tf32`" if self.variant == "gpu" else ""),
                rule=PRECISION_LOSS,
            )
        over = [
            (kind, value)
            for kind, value in self.difference.values.items()
            if value > self.limits[kind]
        ]
        if not over:
            return None
        return Problem(
            f"{failed} changes the results more than the limit",
            file,
            path=self.path,
            found=self.summary,
            allowed=", ".join(f"{kind} {self.limits[kind]:g}" for kind, _ in over),
            hint=f"remove `precision`, or raise `max_difference: {{{over[0][0]}: "
            f"{over[0][1]:g}}}` if your labels allow it",
            rule=PRECISION_LOSS,
        )

    def doubt(self, file: Path) -> Problem | None:
        """Return a warning if no objects were compared."""
        assert self.difference is not None
        if self.difference.objects:
            return None
        return Problem(
            f"the effect of `precision: {self.precision}` in the {self.variant} variant is unknown",
            file,
            path=self.path,
            found=self.summary,
            hint="set `calibration` to a folder of images with objects",
            rule=NOTHING_COMPARED,
        )
