"""The result of a check."""

import json
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One result of a check of this machine.

    Attributes:
        subject: the part of the machine, such as "docker".
        severity: "error" if not even a CPU variant can be built, "warning" if anything else does
            not work, else "ok".
        what: the result, in one sentence without a full stop.
        remedy: how to fix it; empty if the severity is "ok".
        commands: the lines of a shell that fix it; empty if no command does.
        blocks_deploy: whether no function can be deployed from this machine.
    """

    subject: str
    severity: Severity
    what: str
    remedy: str = ""
    commands: tuple[str, ...] = ()
    blocks_deploy: bool = False

    def as_json(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)
