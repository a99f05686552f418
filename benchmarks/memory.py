"""Peak memory of `cvatbuild init` and of a build, beside that of the runtimes alone.

    python benchmarks/memory.py [MEGABYTES...]

The generated models, by default 44 and 100 MB, are saliency networks of convolutions with an input
of 1024x1024, as ISNet. The memory is the highest sum of the proportional set sizes (PSS) of a
process and its children, which counts shared pages once. "Runtime alone" loads the model and runs
it once, imports of numpy and OpenCV included; the larger of OpenVINO and ONNX Runtime is the
reference.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).parent.parent
SIDE = 1024
MIB = 2**20
INTERVAL = 0.02
"""Seconds between two readings."""

ALONE = {
    "OpenVINO": "import openvino; "
    "session = openvino.Core().compile_model('model.onnx', 'CPU'); session(inputs)",
    "ONNX Runtime": "import onnxruntime; session = onnxruntime.InferenceSession('model.onnx', "
    "providers=['CPUExecutionProvider']); session.run(None, inputs)",
}
INPUTS = (
    f"import cv2, numpy as np; inputs = {{'image': np.zeros((1, 3, {SIDE}, {SIDE}), np.float32)}}; "
)


def large_model(path: Path, megabytes: float) -> None:
    """Write a saliency network, [1, 3, 1024, 1024] -> [1, 1, 1024, 1024], of a given size."""
    rng = np.random.default_rng(0)
    width = 512
    weights: list[onnx.TensorProto] = []
    nodes = []

    def conv(source: str, inputs: int, outputs: int, stride: int, side: int) -> str:
        name = f"t{len(nodes)}"
        values = rng.normal(0, 0.02, (outputs, inputs, side, side)).astype(np.float32)
        weights.append(numpy_helper.from_array(values, f"{name}.w"))
        pads = [side // 2] * 4
        nodes.append(
            helper.make_node(
                "Conv", [source, f"{name}.w"], [name], strides=[stride, stride], pads=pads
            )
        )
        nodes.append(helper.make_node("Relu", [name], [f"{name}.r"]))
        return f"{name}.r"

    at = "image"
    for inputs, outputs in ((3, 32), (32, 64), (64, 128), (128, 256), (256, width)):
        at = conv(at, inputs, outputs, 2, 3)
    while sum(len(it.raw_data) for it in weights) < (megabytes - 5) * 1e6:
        at = conv(at, width, width, 1, 3)
    at = conv(at, width, 1, 1, 1)
    weights.append(numpy_helper.from_array(np.array([1, 1, 32, 32], np.float32), "scales"))
    nodes.append(helper.make_node("Resize", [at, "", "scales"], ["big"], mode="linear"))
    nodes.append(helper.make_node("Sigmoid", ["big"], ["mask"]))
    shape = [1, 3, SIDE, SIDE]
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, SIDE, SIDE])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save_model(model, path)


def tree(root: int) -> list[int]:
    """Return the IDs of a process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def pss(process: int) -> int:
    """Return the proportional set size of a process in bytes; 0 if it has ended."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    lines = [line.split() for line in text.splitlines() if line.startswith("Pss:")]
    return int(lines[0][1]) * 1024 if lines else 0


def peak(command: list[str], folder: Path) -> tuple[float, float]:
    """Return the peak memory of a command and its children in MiB, and its time in seconds."""
    start = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(  # noqa: S603
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        most = 0
        while process.poll() is None:
            most = max(most, sum(map(pss, tree(process.pid))))
            time.sleep(INTERVAL)
        assert process.stderr is not None
        errors = process.stderr.read().decode()
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{errors}")
    return most / MIB, time.perf_counter() - start


def main() -> None:
    """Print the memory."""
    sizes = [float(it) for it in sys.argv[1:]] or [44.0, 100.0]
    python = [sys.executable, "-c"]
    tool = [*python, "from builder.cli.app import run; run()"]
    for megabytes in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            large_model(folder / "model.onnx", megabytes)
            size = (folder / "model.onnx").stat().st_size / 1e6
            print(f"model of {size:.0f} MB, input {SIDE}x{SIDE}")
            alone = {}
            for runtime, source in ALONE.items():
                alone[runtime], seconds = peak([*python, INPUTS + source], folder)
                print(f"  {runtime:14} alone {alone[runtime]:6.0f} MiB  {seconds:5.1f} s")
            reference = max(alone.values())
            for label, arguments in (
                ("init", ["init", "model.onnx", "-o", "m.yaml"]),
                ("check", ["check", "m.yaml"]),
                ("build", ["build", "m.yaml", "--out", "out"]),
            ):
                found, seconds = peak([*tool, *arguments], folder)
                times = found / reference
                print(f"  {label:20} {found:6.0f} MiB  {seconds:5.1f} s  {times:.2f} x")


if __name__ == "__main__":
    main()
