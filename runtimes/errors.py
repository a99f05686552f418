"""The exceptions of functions.

    FunctionError
      BadRequest   the request is invalid: HTTP 400
        BadImage   its image file cannot be decoded
      BadModel     the model does not fit the manifest's steps
      NoDevice     the variant's device is not available
      BadStart     the function's environment is not what it was generated for

Steps raise them twice: for the declared shapes when a function is built, and for the real shapes
when it runs.
"""

from enum import StrEnum


class Fault(StrEnum):
    """What is wrong with a model or its outputs, for programs.

    The values are stable: cvatbuild reports them as the codes of its diagnostics.
    """

    CLASS_COUNT = "class-count"
    FEATURES_SHAPE = "features-shape"
    UNCONNECTED_INPUT = "unconnected-input"
    INPUT_AMBIGUOUS = "input-ambiguous"
    INPUT_BATCH = "input-batch"
    INPUT_LAYOUT = "input-layout"
    MISSING_INPUT_SIZE = "missing-input-size"
    INPUT_SIZE = "input-size"
    DUPLICATE_INPUT = "duplicate-input"
    INPUT_UNKNOWN = "input-unknown"
    INPUT_VALUES = "input-values"
    KEYPOINT_COUNT = "keypoint-count"
    MODEL_INPUTS = "model-inputs"
    MODEL_MISMATCH = "model-mismatch"
    WRONG_TASK = "wrong-task"
    MODELS_SWAPPED = "models-swapped"
    REQUIRES_ENCODER = "requires-encoder"
    NO_VECTOR = "no-vector"
    OUTPUT_AMBIGUOUS = "output-ambiguous"
    OUTPUT_LAYOUT = "output-layout"
    OUTPUT_MISSING = "output-missing"
    OUTPUT_UNKNOWN = "output-unknown"
    CLASS_VALUES = "class-values"
    SCORE_RANGE = "score-range"
    PROMPT_INPUTS = "prompt-inputs"
    FIXED_PROMPTS = "fixed-prompts"
    STRIDES = "strides"
    TEMPLATE_SIZE = "template-size"


class FunctionError(Exception):
    """The base class of errors with a known cause.

    Args:
        what: what is wrong, in one sentence without a full stop.
        where: the key of the manifest's step or of the request, if there is one.
        found: the invalid value, as text.
        allowed: the valid values, as text.
        hint: how to fix it.
        fault: what is wrong, for programs. Default: the class's own, if it has one.
    """

    fault: Fault | None = None

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        found: str = "",
        allowed: str = "",
        hint: str = "",
        fault: Fault | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.found = found
        self.allowed = allowed
        self.hint = hint
        self.fault = fault or self.fault

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        parts += [
            f"{name}: {text}"
            for name, text in (
                ("found", self.found),
                ("allowed", self.allowed),
                ("hint", self.hint),
            )
            if text
        ]
        return "; ".join(parts)


class BadRequest(FunctionError):
    """The request is invalid. The caller gets HTTP 400 and the message."""


class BadImage(BadRequest):
    """The file in the request cannot be decoded as an image."""


class BadModel(FunctionError):
    """The model's inputs or outputs do not fit the manifest's steps."""

    fault = Fault.MODEL_MISMATCH


class NoDevice(FunctionError):
    """The device of this variant is not available."""


class BadStart(FunctionError):
    """The function's environment is not what it was generated for."""
