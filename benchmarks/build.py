"""Time of a build of many functions without smoke test.

    python benchmarks/build.py [--functions N] [--megabytes MB] [--own] [--unfolded] [--folder DIR]

By default 100 manifests name one generated model of 60 MB; with --own each has a model file of its
own. The rows are the first build, the same build again over the existing directories, and, as a
reference for the speed of the machine, copying and hashing the model files alone. Processor time
includes that of the system, which other programs on the machine change little.

    --unfolded      with `fold_preprocessing: false`, which copies the model files
    --folder DIR    work in DIR, such as a folder on a file system that can clone files
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from check import MANIFEST, ROOT, large_model

TOOL = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from builder.cli.app import run; run()"


def write_manifests(
    folder: Path, functions: int, megabytes: float, own: bool, unfolded: bool
) -> list[Path]:
    """Write the manifests and their models; return the model file of each manifest."""
    large_model(folder / "model.onnx", megabytes)
    models = []
    for number in range(functions):
        name = f"model-{number}.onnx" if own else "model.onnx"
        if own:
            shutil.copyfile(folder / "model.onnx", folder / name)
        text = MANIFEST.replace("name: large", f"name: large-{number}")
        if unfolded:
            text += "fold_preprocessing: false\n"
        (folder / f"{number}.yaml").write_text(text.replace("model.onnx", name))
        models.append(folder / name)
    return models


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """Return the time and the processor time of `work` and its child processes in seconds."""
    start, before = perf_counter(), sum(os.times()[:4])
    work()
    return perf_counter() - start, sum(os.times()[:4]) - before


def rows(folder: Path, models: list[Path]) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield what was measured, with its times."""
    manifests = [f"{number}.yaml" for number in range(len(models))]
    command = [sys.executable, "-c", TOOL, "--no-smoke", "--out", "out", *manifests]

    def build() -> None:
        subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: S603

    yield "first build", measured(build)
    yield "build again", measured(build)
    shutil.rmtree(folder / "out")
    (folder / "copies").mkdir()

    def copy() -> None:
        for number, model in enumerate(models):
            shutil.copyfile(model, folder / "copies" / str(number))

    def digest() -> None:
        for model in set(models):
            with model.open("rb") as stream:
                hashlib.file_digest(stream, "sha256")

    yield "copying alone", measured(copy)
    yield "hashing alone", measured(digest)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--functions", type=int, default=100)
    parser.add_argument("--megabytes", type=float, default=60)
    parser.add_argument("--own", action="store_true")
    parser.add_argument("--unfolded", action="store_true")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        models = write_manifests(
            folder, options.functions, options.megabytes, options.own, options.unfolded
        )
        print(f"{'':15}{'seconds':>10}{'processor':>11}")
        for title, (seconds, processor) in rows(folder, models):
            print(f"{title:15}{seconds:10.1f}{processor:11.1f}", flush=True)


if __name__ == "__main__":
    main()
