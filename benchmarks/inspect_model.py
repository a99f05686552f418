"""Time of `cvatbuild inspect` for a large model.

    python benchmarks/inspect_model.py [MEGABYTES]

The model is that of benchmarks/check.py, by default with 500 MB. The weights are skipped, not read,
so the time should stay below 2 s. Each time is the median of five new processes. The last line is
the time to read the model file alone, from the page cache, as a reference for the machine.
"""

import sys
from pathlib import Path

# Python must not find a module `inspect` in the directory of this file.
sys.path = [path for path in sys.path if Path(path).resolve() != Path(__file__).resolve().parent]

import importlib.util
import tempfile
from time import perf_counter

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Print the times."""
    spec = importlib.util.spec_from_file_location("check", HERE / "check.py")
    assert spec is not None
    assert spec.loader is not None
    check = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check)
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 500
    path = f"import sys; sys.path.insert(0, {str(HERE.parent)!r}); "
    tool = f"{path}from builder.cli.app import run; run()"
    with tempfile.TemporaryDirectory() as name:
        model = Path(name) / "model.onnx"
        check.large_model(model, megabytes)
        size = model.stat().st_size / 1e6
        python = [sys.executable, "-c"]
        inspected = check.median([*python, tool, "inspect", model.name], model.parent)
        helped = check.median([*python, tool, "--help"], model.parent)
        start = perf_counter()
        model.read_bytes()
        read = perf_counter() - start
    print(f"inspect, model of {size:.0f} MB: {inspected:6.2f} s")
    print(f"--help:                   {helped:6.2f} s")
    print(f"reading the model file:   {read:6.2f} s")


if __name__ == "__main__":
    main()
