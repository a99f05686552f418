"""Memory of a process and of the GPUs."""

import re
import shutil
import subprocess
from pathlib import Path

_SECONDS = 10


def peak_rss(pid: int) -> float | None:
    """Return the highest resident memory of a running process in MiB; None if it is not known.

    Source: VmHWM in /proc/PID/status, which only Linux has. The number in `getrusage` is not used:
    it includes the memory of the parent before the child's program was loaded.
    """
    try:
        text = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s*(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else None


def gpu_used() -> float | None:
    """Return the memory in use on all NVIDIA GPUs, in MiB; None if nvidia-smi does not tell.

    The memory of one process is not asked for: in a container, the driver does not know its ID.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603
            [program, "--query-gpu=memory.used", "--format=csv,noheader,nounits"],
            capture_output=True,
            check=True,
            timeout=_SECONDS,
        )
        return float(sum(int(line) for line in done.stdout.split()))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
