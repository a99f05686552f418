"""What `cvatbuild predict` does, one module for each kind of function."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from builder.diagnostics.errors import CommandLineError
from builder.diagnostics.problem import Problem
from builder.run.function import Function
from builder.run.predict import detector, interactor, reid, tracker
from builder.run.predict.files import Pictures
from builder.run.predict.prediction import Prediction, Prompts


class Predictor(Protocol):
    """What the module of a kind has."""

    @property
    def TAKES(self) -> frozenset[str]:  # noqa: N802
        """The prompts that it takes, by their names in Prompts."""

    def predict(
        self,
        function: Function,
        files: Sequence[Path],
        prompts: Prompts,
        pictures: Pictures,
    ) -> Iterator[Prediction]:
        """Send images to a function.

        Raises:
            CommandLineError: a file cannot be read, or the prompts make no sense.
            BuiltError: a picture cannot be written.
        """

    def smoke_test(self, function: Function, blank: bytes) -> tuple[str, ...]:
        """Send a blank image, an encoded file, as CVAT would, and judge the reply.

        Returns:
            What CVAT could not use.

        Raises:
            BuiltError: the function answers with an error.
        """


PREDICTORS: dict[str, Predictor] = {
    "detector": detector,
    "interactor": interactor,
    "tracker": tracker,
    "reid": reid,
}
"""A function's kind -> the module."""


def predict(
    function: Function, files: Sequence[Path], prompts: Prompts, save: Path | None
) -> Iterator[Prediction]:
    """Send images to a function of any kind.

    Args:
        function: a started function.
        files: image files.
        prompts: what is asked for.
        save: the folder to put pictures in.

    Raises:
        CommandLineError, BuiltError: see Predictor.predict.
    """
    predictor = PREDICTORS[function.type]
    for name in prompts.given():
        if name not in predictor.TAKES:
            allowed = ", ".join(f"--{taken}" for taken in sorted(predictor.TAKES))
            raise CommandLineError(
                Problem(f"a function of type {function.type} takes no --{name}", allowed=allowed)
            )
    yield from predictor.predict(function, files, prompts, Pictures(save))
