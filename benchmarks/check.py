"""Time of `cvatbuild check` for a manifest with a large model.

    python benchmarks/check.py [MEGABYTES]

The generated model is a detector with six square matrices as weights, by default 100 MB. Each time
is the median of five new processes, imports included. The last line is the time to read the model
file alone, as a reference for the speed of the machine.
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).parent.parent
REPEATS, LAYERS = 5, 6
MANIFEST = """\
name: large
type: detector
model: model.onnx
labels: [cat, dog, bird]
preprocess: [letterbox, normalize: 255]
postprocess: [yolo, nms, rectangle]
"""


def large_model(path: Path, megabytes: float) -> None:
    """Write a YOLO-like detector, [1, 3, 64, 64] -> [1, 7, 40], with weights of a given size."""
    side = int((megabytes * 1e6 / 4 / LAYERS) ** 0.5)
    rng = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(rng.normal(size=(side, size)).astype(np.float32).T, f"w{number}")
        for number, size in enumerate([3] + [side] * LAYERS)
    ]
    weights.append(numpy_helper.from_array(rng.normal(size=(side, 280)).astype(np.float32), "head"))
    weights.append(numpy_helper.from_array(np.array([1, 7, 40]), "shape"))
    weights.append(numpy_helper.from_array(np.array([2, 3]), "axes"))
    nodes = [helper.make_node("ReduceMean", ["images", "axes"], ["x0"], keepdims=0)]
    nodes += [
        helper.make_node("MatMul", [f"x{number}", f"w{number}"], [f"x{number + 1}"])
        for number in range(LAYERS + 1)
    ]
    nodes += [
        helper.make_node("MatMul", [f"x{LAYERS + 1}", "head"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["output0"]),
    ]
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 7, 40])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save_model(model, path)


def median(command: list[str], folder: Path) -> float:
    """Return the median time of a command in seconds."""
    times = []
    for _ in range(REPEATS):
        start = perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: S603
        times.append(perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Print the times."""
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 100
    path = f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
    tool = f"{path}from builder.cli.app import run; run()"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "large.yaml").write_text(MANIFEST)
        large_model(folder / "model.onnx", megabytes)
        size = (folder / "model.onnx").stat().st_size / 1e6
        python = [sys.executable, "-c"]
        checked = median([*python, tool, "check", "large.yaml"], folder)
        helped = median([*python, tool, "--help"], folder)
        start = perf_counter()
        (folder / "model.onnx").read_bytes()
        read = perf_counter() - start
    print(f"check, model of {size:.0f} MB: {checked:6.2f} s")
    print(f"--help:                 {helped:6.2f} s")
    print(f"reading the model file: {read:6.2f} s")


if __name__ == "__main__":
    main()
