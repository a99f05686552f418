"""Every error that a function raises on purpose.

    FunctionError
      BadRequest   the request cannot be answered: HTTP 400
      BadModel     the model's tensors are not what the steps expect
      NoDevice     the device that the variant is for cannot be used
      BadStart     the function was started in a way that it cannot run in

They live here and not in the builder, because a step checks itself in both places: against the
declared shapes when a function is built, and against the real ones when it runs.
"""

from enum import StrEnum


class Fault(StrEnum):
    """What is wrong with a model or its outputs, for programs.

    The values are stable: cvatbuild reports them as the codes of its diagnostics.
    """

    CLASS_COUNT = "class-count"
    FEATURES_SHAPE = "features-shape"
    FEATURES_UNPAIRED = "features-unpaired"
    INPUT_AMBIGUOUS = "input-ambiguous"
    INPUT_BATCH = "input-batch"
    INPUT_LAYOUT = "input-layout"
    INPUT_OPEN = "input-open"
    INPUT_SIZE = "input-size"
    INPUT_TWICE = "input-twice"
    INPUT_UNKNOWN = "input-unknown"
    INPUT_VALUES = "input-values"
    KEYPOINT_COUNT = "keypoint-count"
    MODEL_INPUTS = "model-inputs"
    MODEL_MISMATCH = "model-mismatch"
    MODEL_TASK = "model-task"
    MODELS_SWAPPED = "models-swapped"
    NO_ENCODER = "no-encoder"
    NO_VECTOR = "no-vector"
    OUTPUT_AMBIGUOUS = "output-ambiguous"
    OUTPUT_LAYOUT = "output-layout"
    OUTPUT_MISSING = "output-missing"
    OUTPUT_UNKNOWN = "output-unknown"
    PROMPT_INPUTS = "prompt-inputs"
    PROMPTS_FIXED = "prompts-fixed"
    STRIDES = "strides"
    TEMPLATE_SIZE = "template-size"


class FunctionError(Exception):
    """Something that has a cause which can be named and mended.

    Args:
        what: what is wrong, in one sentence without a full stop.
        where: the key within a manifest's step or a request that it is about, if there is one.
        found: the offending value, as text.
        allowed: what would have been right, as text.
        hint: what to do about it.
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
    """The request cannot be answered; the caller gets HTTP 400 and the message."""


class BadModel(FunctionError):
    """The model's inputs or outputs do not fit the steps of the manifest."""

    fault = Fault.MODEL_MISMATCH


class NoDevice(FunctionError):
    """The device that this variant is for cannot be used here."""


class BadStart(FunctionError):
    """The function's surroundings are not what it was generated for."""
