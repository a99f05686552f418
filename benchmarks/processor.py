"""Compare requests through Nuclio's processor with calls of the handler in a process.

Usage: CVATBUILD_NUCLIO=FOLDER python benchmarks/processor.py [--rounds 200]

It needs Nuclio's releases; see CONTRIBUTING.md. Each round calls the handler once, and sends one
request to the processor of each release, with one worker. The output has the median milliseconds
and their ratio to the handler's, the time until a processor was ready, and its worker's memory.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]

import cv2

from builder.lint.examine import plan
from builder.run.process import FunctionProcess
from builder.targets.build import build
from tests.system.conftest import releases
from tests.system.processor import Processor, Release, python_of
from tests.system.test_processor import encoded, example_request

EXAMPLES = ("yolo", "sam-demo", "tracker-demo", "reid-demo")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200, help="requests per function")
    rounds = parser.parse_args().rounds
    found = releases()
    if not found:
        sys.exit("CVATBUILD_NUCLIO names no folder with Nuclio's processor")
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        folders = {
            it: build(plan(ROOT / "manifests" / f"{it}.yaml"), out, force=True).folder
            for it in EXAMPLES
        }
        python = python_of(folders["reid-demo"] / "nuclio" / "requirements-cpu.txt")
        print(
            "function | request | handler | " + " | ".join(f"Nuclio {it.version}" for it in found)
        )
        for example in EXAMPLES:
            requests = {"example": example_request(example)}
            if example == "yolo":
                requests["1920x1080 JPEG"] = {"image": encoded(frame())}
            with ExitStack() as stack:
                function = stack.enter_context(closing(FunctionProcess(folders[example], "cpu")))
                processors = [start(it, folders[example], python, out, stack) for it in found]
                for label, request in requests.items():
                    row = measure(function, [it for it, _ in processors], request, rounds)
                    cells = [f"{p50:.1f} ({p50 / row[0]:.2f})" for p50 in row[1:]]
                    print(" | ".join([example, label, f"{row[0]:.1f}", *cells]))
                for (processor, seconds), release in zip(processors, found, strict=True):
                    (worker,) = processor.workers()
                    print(f"  {release.version}: ready after {seconds:.1f} s, {memory(worker)} MiB")


def frame() -> bytes:
    """Return a drawn scene as a JPEG file of 1920x1080."""
    scene = next((ROOT / "manifests" / "scenes" / "images" / "val").iterdir())
    image = cv2.resize(cv2.imread(str(scene)), (1920, 1080))  # type: ignore[arg-type]
    return bytes(cv2.imencode(".jpg", image)[1].tobytes())


def start(
    release: Release, folder: Path, python: Path, out: Path, stack: ExitStack
) -> tuple[Processor, float]:
    """Start a function with one worker; return it, and the seconds until it was ready."""
    begin = time.perf_counter()
    run = out / f"{folder.name}-{release.version}"
    processor = Processor(release, folder / "nuclio", python, run, change=one_worker)
    stack.enter_context(processor)
    return processor, time.perf_counter() - begin


def one_worker(config: dict[str, Any]) -> None:
    """Reduce the number of workers in function.yaml to one."""
    (trigger,) = config["spec"]["triggers"].values()
    trigger["numWorkers"] = trigger["maxWorkers"] = 1


def measure(
    function: FunctionProcess, processors: list[Processor], request: Any, rounds: int
) -> list[float]:
    """Return the median milliseconds of the handler and of each processor."""
    times: list[list[float]] = [[] for _ in range(len(processors) + 1)]
    for _ in range(rounds):
        times[0].append(function.send(request, "application/json").milliseconds)
        for processor, spent in zip(processors, times[1:], strict=True):
            begin = time.perf_counter()
            answer = processor.post(request)
            spent.append((time.perf_counter() - begin) * 1000)
            assert answer.status == 200, answer
    return [statistics.median(it) for it in times]


def memory(pid: int) -> int:
    """Return the resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


if __name__ == "__main__":
    main()
