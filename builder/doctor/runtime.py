"""Trying an inference runtime in a child process."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.doctor.programs import Output, ProgramError, run_program

_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Device:
    """A device that a runtime lists.

    Attributes:
        device: the runtime's name for it, such as "CPU".
        name: its product name; empty if unknown.
        trouble: why it does not compute; empty if it does.
    """

    device: str
    name: str
    trouble: str


@dataclass(frozen=True, slots=True)
class Runtime:
    """The result of trying an inference runtime.

    Attributes:
        version: its version; empty if it cannot be imported.
        devices: the devices that it lists.
        trouble: why no device could be tried; empty if one was.
    """

    version: str
    devices: tuple[Device, ...]
    trouble: str = ""


def try_out(module: str) -> Runtime:
    """Run a model of one node on every device of a runtime.

    Args:
        module: the Python module of the runtime.
    """
    root = Path(__file__).parents[2]
    try:
        output = run_program(
            sys.executable, "-m", "builder.doctor.trial", module, seconds=_SECONDS, cwd=root
        )
    except ProgramError as error:
        return Runtime("", (), str(error))
    lines = list(_lines(output.out))
    if not lines:
        return Runtime("", (), _last_words(output))
    head, tried = lines[0], {str(line["device"]): line for line in lines[1:]}
    # A missing line belongs to the device on which the child process died.
    died = _last_words(output)
    return Runtime(
        str(head["version"]),
        tuple(
            Device(
                device,
                str(tried.get(device, {}).get("name", "")),
                str(tried.get(device, {"trouble": died})["trouble"]),
            )
            for device in map(str, head["devices"])
        ),
    )


def _last_words(output: Output) -> str:
    """Return why a trial ended early: the last line of its traceback, or its exit status."""
    lines = output.err.strip().splitlines()
    if lines and output.status > 0:
        return lines[-1]
    return f"the process ends with status {output.status}"


def _lines(text: str) -> Iterator[dict[str, list[str] | str]]:
    """Yield the lines of a trial without those that libraries write between them."""
    for line in text.splitlines():
        try:
            data = json.loads(line)
        except ValueError:
            continue
        if isinstance(data, dict) and ({"version", "devices"} <= set(data) or "device" in data):
            yield data
