"""The exceptions of the tool.

    CvatbuildError
      CommandLineError   an argument is invalid: exit status 2
      ManifestError      a manifest cannot be used
      ModelError         a model file cannot be fetched or read
      OutputError        the output directory cannot be written without losing something
      DatasetError       a dataset cannot be read
      BuiltError         a built function cannot be started, or its reply is invalid
      DeployError        a function cannot be deployed, or does not work after it
    Refused              a validator of the manifest's schema refuses a value

The library raises, the command line prints. Each CvatbuildError carries all the problems that were
found, not only the first.
"""

from dataclasses import replace
from typing import ClassVar

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule

COMMAND_LINE = Rule(
    "command-line",
    "Invalid command line",
    "An argument is invalid, or arguments cannot be combined.",
)
MANIFEST = Rule("manifest", "Invalid manifest", "No function can be built from the manifest.")
MODEL = Rule("model", "Unusable model", "The model cannot be read, or its family is unknown.")
OUTPUT = Rule(
    "output",
    "Output cannot be written",
    "Files would be lost, or the file system refuses to write.",
)
DATASET = Rule(
    "dataset",
    "Unusable dataset",
    "The format of the dataset is unknown, or a file of it is missing or invalid.",
)
FUNCTION = Rule(
    "function",
    "Function does not work",
    "The function does not start, or CVAT could not use its replies.",
)
DEPLOYMENT = Rule(
    "deployment",
    "Deployment failed",
    "CVAT cannot call the function, or gets no valid reply.",
)


class CvatbuildError(Exception):
    """An error that the command line reports without a traceback.

    Args:
        problems: at least one. Those without a rule get the exception's `rule`.
    """

    status: ClassVar[int] = 1
    rule: ClassVar[Rule] = MANIFEST

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(it if it.rule else replace(it, rule=self.rule) for it in problems)


class CommandLineError(CvatbuildError):
    """An argument is invalid."""

    status = 2
    rule = COMMAND_LINE


class ManifestError(CvatbuildError):
    """A manifest cannot be used."""


class ModelError(CvatbuildError):
    """A model file cannot be fetched or read."""

    rule = MODEL


class OutputError(CvatbuildError):
    """The output directory cannot be written without losing something."""

    rule = OUTPUT


class DatasetError(CvatbuildError):
    """A dataset cannot be read."""

    rule = DATASET


class BuiltError(CvatbuildError):
    """A built function cannot be started, or its reply is invalid."""

    rule = FUNCTION


class DeployError(CvatbuildError):
    """A function cannot be deployed, or does not work after it."""

    rule = DEPLOYMENT


class Refused(ValueError):
    """A validator of the manifest's schema refuses a value.

    Args:
        what: what is wrong, in one sentence without a full stop.
        rule: the rule that the value violates.
        where: the key in question, of the model that is validated.
        allowed, hint: see Problem.
        found: see Problem. Default: the value's text in the file.
    """

    def __init__(
        self,
        what: str,
        rule: Rule,
        where: str = "",
        allowed: str = "",
        hint: str = "",
        found: str = "",
    ) -> None:
        super().__init__(what)
        path = (where,) if where else ()
        self.problem = Problem(what, path=path, found=found, allowed=allowed, hint=hint, rule=rule)
