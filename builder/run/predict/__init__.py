"""`cvatbuild predict`: one module per function type."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from builder.diagnostics.errors import CommandLineError
from builder.diagnostics.problem import Problem
from builder.run.function import Function
from builder.run.predict import detector, interactor, reid, tracker
from builder.run.predict.files import Pictures, require
from builder.run.predict.prediction import Prediction, Prompts


class Predictor(Protocol):
    """The interface of the modules."""

    @property
    def TAKES(self) -> frozenset[str]:  # noqa: N802
        """The fields of Prompts that functions of this type accept."""

    def predict(
        self,
        function: Function,
        files: Sequence[Path],
        prompts: Prompts,
        pictures: Pictures,
    ) -> Iterator[Prediction]:
        """Send images to a function, and yield the replies.

        Raises:
            CommandLineError: a file cannot be read, or a prompt is missing.
            BuiltError: the function gives no response, or a picture cannot be written.
        """

    def smoke_test(self, function: Function, blank: bytes) -> tuple[str, ...]:
        """Send a blank image with prompts of each sort that the function accepts.

        Args:
            function: a function of this type.
            blank: an image file.

        Returns:
            The faults of the replies, as builder.run.judge words them.

        Raises:
            BuiltError: the function gives no response, or one with an error status.
        """


PREDICTORS: dict[str, Predictor] = {
    "detector": detector,
    "interactor": interactor,
    "tracker": tracker,
    "reid": reid,
}
"""Function type -> module."""


def predict(
    function: Function, files: Sequence[Path], prompts: Prompts, save: Path | None
) -> Iterator[Prediction]:
    """Send images to a function of any type, and yield the replies.

    Args:
        function: the function.
        files: image files; for a tracker, also video files.
        prompts: the options of the command line.
        save: the folder for pictures; None saves none.

    Raises:
        CommandLineError, BuiltError: see Predictor.predict. All files are checked before the
            first request.
    """
    check_prompts(function.type, prompts)
    for file in files:
        require(file)
    yield from PREDICTORS[function.type].predict(function, files, prompts, Pictures(save))


def check_prompts(function_type: str, prompts: Prompts) -> None:
    """Check that functions of a type accept the options of the command line.

    Raises:
        CommandLineError: they do not accept one.
    """
    takes = PREDICTORS[function_type].TAKES
    for name in prompts.names():
        if name not in takes:
            what = f"functions of type {function_type} do not accept --{name}"
            allowed = ", ".join(f"--{taken}" for taken in sorted(takes))
            raise CommandLineError(Problem(what, allowed=allowed))
