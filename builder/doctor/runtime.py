"""What the inference runtimes have in common: each is tried out by a child process."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.doctor.outside import Answer, NoAnswer, ask

_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Device:
    """A device that a runtime says it has.

    Attributes:
        device: the runtime's name of it, such as "CPU".
        name: what it is, where the runtime says so.
        trouble: why it does not compute; empty where it does.
    """

    device: str
    name: str
    trouble: str


@dataclass(frozen=True, slots=True)
class Runtime:
    """An inference runtime as it was found.

    Attributes:
        version: its own, empty where it could not even be imported.
        devices: those that it says it has.
        trouble: why nothing could be tried; empty where something was.
    """

    version: str
    devices: tuple[Device, ...]
    trouble: str = ""


def try_out(runtime: str) -> Runtime:
    """Run a model of one node on every device of `runtime`, "openvino" or "onnxruntime"."""
    root = Path(__file__).parents[2]
    try:
        answer = ask(
            sys.executable, "-m", "builder.doctor.trial", runtime, seconds=_SECONDS, cwd=root
        )
    except NoAnswer as error:
        return Runtime("", (), str(error))
    lines = list(_lines(answer.out))
    if not lines:
        return Runtime("", (), _last_words(answer))
    head, tried = lines[0], {str(line["device"]): line for line in lines[1:]}
    # A line that did not come is of the device on which the child process died.
    died = _last_words(answer)
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


def _last_words(answer: Answer) -> str:
    """Why a trial ended before its time: the last line of a traceback, if there was one."""
    lines = answer.err.strip().splitlines()
    if lines and answer.status > 0:
        return lines[-1]
    return f"the process ends with status {answer.status}"


def _lines(text: str) -> Iterator[dict[str, list[str] | str]]:
    """The lines of a trial; libraries may write others between them."""
    for line in text.splitlines():
        try:
            data = json.loads(line)
        except ValueError:
            continue
        if isinstance(data, dict) and ({"version", "devices"} <= set(data) or "device" in data):
            yield data
