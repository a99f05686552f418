"""Time of preprocessing and inference with and without folded preprocessing.

    python benchmarks/folding.py [--rounds N]

The model is one convolution with a pooling, so that the rows show little else than preprocessing; a
larger model adds the same time to both columns. Images are 1920x1080. Both ways run in turns in one
process, with one thread. The figures are medians of the processor time in milliseconds, which other
programs on the machine change little.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from builder.lint.examine import plan
from builder.plan.content import read
from builder.plan.plan import Plan
from builder.plan.transforms.folding import with_folded_preprocessing
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from runtimes.clock import Clock
from runtimes.detector import Detector
from runtimes.network import OpenNetwork
from runtimes.picture import Picture

BACKENDS: dict[str, Backend] = {
    "ONNX Runtime": OnnxRuntime("cpu", threads=1),
    "OpenVINO": OpenVino(threads=1),
}
STEPS = {
    "normalize: 255": "[letterbox, normalize: 255]",
    "ImageNet": "[letterbox, normalize: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}]",
}
MANIFEST = """\
name: folding
type: detector
model: model.onnx
labels: [a, b]
preprocess: {steps}
postprocess: [classify, tag]
"""


def small_model(path: Path, side: int) -> None:
    """Write a classifier of one convolution, [1, 3, side, side] -> [1, 2]."""
    weights = np.random.default_rng(1).normal(size=(2, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["image", "weights"], ["map"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["map"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("Softmax", ["flat"], ["scores"]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "folding",
        [value("image", TensorProto.FLOAT, [1, 3, side, side])],
        [value("scores", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(weights, "weights")],
    )
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=10), path)


def opened(found: Plan, backend: Backend, folder: Path) -> OpenNetwork:
    """Write the model files of a plan to a folder, and load them."""
    folder.mkdir(parents=True)
    for name, content in found.files.items():
        (folder / name).write_bytes(read(content))
    assert isinstance(found.function, Detector)
    return found.function.network.open(backend, folder)


def compared(before: OpenNetwork, after: OpenNetwork, rounds: int) -> tuple[float, float]:
    """Return the processor time of a run of both models in turns, in milliseconds."""
    image = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), dtype=np.uint8)
    picture = Picture.whole(image)
    times: dict[OpenNetwork, list[float]] = {before: [], after: []}
    for _ in range(rounds):
        for network, found in times.items():
            network.run(picture, Clock())
            start = time.process_time()
            network.run(picture, Clock())
            found.append(1000 * (time.process_time() - start))
    return median(times[before]), median(times[after])


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=60)
    rounds = parser.parse_args().rounds
    cv2.setNumThreads(1)
    print("| input | values | runtime | unfolded | folded | ratio |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for side in (320, 640):
            for title, steps in STEPS.items():
                folder = Path(name) / f"{side}-{title.split(':')[0]}"
                folder.mkdir()
                small_model(folder / "model.onnx", side)
                (folder / "folding.yaml").write_text(MANIFEST.format(steps=steps))
                unfolded = plan(folder / "folding.yaml")
                folded = with_folded_preprocessing(unfolded)
                for runtime, backend in BACKENDS.items():
                    one, other = (
                        opened(it, backend, folder / runtime / way)
                        for it, way in ((unfolded, "unfolded"), (folded, "folded"))
                    )
                    old, new = compared(one, other, rounds)
                    row = f"{old:.2f} | {new:.2f} | {old / new:.2f}"
                    print(f"| {side} | {title} | {runtime} | {row} |", flush=True)


if __name__ == "__main__":
    main()
