"""How long `cvatbuild inspect` takes on a large model, beside the plain reading of its file.

    python benchmarks/inspect_model.py [MEGABYTES]

The model is that of benchmarks/check.py, of 500 MB. It is meant to stay below 2 s: the weights are
stepped over, not read. Each number is the median of five fresh processes. The last line is what
reading the file alone costs, as a measure of the machine; the file is in memory by then.
"""

import sys
from pathlib import Path

# The folder of this file must not be where Python looks for its own module `inspect`.
sys.path = [path for path in sys.path if Path(path).resolve() != Path(__file__).resolve().parent]

import importlib.util
import tempfile
from time import perf_counter

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Measure and print."""
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
