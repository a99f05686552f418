"""What a check found."""

import json
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is known about this machine.

    Attributes:
        subject: what it is about, such as "docker".
        severity: "error" where not even a CPU function can be built, "warning" where something
            else will not work, else "ok".
        what: in one sentence without a full stop.
        remedy: what to do about it; empty where nothing need be done.
    """

    subject: str
    severity: Severity
    what: str
    remedy: str = ""

    def as_json(self) -> str:
        """The finding as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)
