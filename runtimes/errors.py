"""Every error that a function raises on purpose.

    FunctionError
      BadRequest   the request cannot be answered: HTTP 400
      BadModel     the model's tensors are not what the steps expect
      NoDevice     the device that the variant is for cannot be used
      BadStart     the function was started in a way that it cannot run in

They live here and not in the builder, because a step checks itself in both places: against the
declared shapes when a function is built, and against the real ones when it runs.
"""


class FunctionError(Exception):
    """Something that has a cause which can be named and mended.

    Args:
        what: what is wrong, in one sentence without a full stop.
        where: the key within a manifest's step or a request that it is about, if there is one.
        found: the offending value, as text.
        allowed: what would have been right, as text.
        hint: what to do about it.
        code: which kind of mistake it is, a word that programs can tell it by. Default: the
            general one of the class.
    """

    code = ""

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        found: str = "",
        allowed: str = "",
        hint: str = "",
        code: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.found = found
        self.allowed = allowed
        self.hint = hint
        self.code = code or self.code

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

    code = "model-mismatch"


class NoDevice(FunctionError):
    """The device that this variant is for cannot be used here."""


class BadStart(FunctionError):
    """The function's surroundings are not what it was generated for."""
