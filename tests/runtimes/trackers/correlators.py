"""Models with each family's layout around one correlation, and films to track an object in.

The response is that of manifests/models/correlate.py: the similarity of the template and each
position of the search crop. Each head gives the object its size in the template crop, a quarter of
the search crop for a square object, so that only the positions depend on the response.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx

from runtimes.arrays import Array
from tests.paths import ROOT

_FILE = ROOT / "manifests" / "models" / "correlate.py"


def _load() -> Any:
    """The script that writes the example tracker."""
    spec = importlib.util.spec_from_file_location("correlate", _FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


correlate: Any = _load()
MAP: int = correlate.MAP
CELLS = np.arange(MAP, dtype=np.float32)
MIDDLES = (CELLS + correlate.KERNEL / 2) * correlate.CELL / correlate.SEARCH
"""The centers of the cells, as fractions of the search crop."""


def _both(graph: Any) -> str:
    """The response to both crops."""
    return str(correlate.response(graph, *(correlate.blocks(graph, it) for it in correlate.CROPS)))


def _logit(graph: Any, score: str) -> str:
    """log(s / (1 - s)), kept finite."""
    clipped = graph.add("Clip", score, np.float32(1e-6), np.float32(1 - 1e-6))
    return str(
        graph.add("Log", graph.add("Div", clipped, graph.add("Sub", np.float32(1), clipped)))
    )


def siamfc(folder: Path) -> None:
    onnx.save(correlate.tracker(), folder / "model.onnx")


def ostrack(folder: Path) -> None:
    graph = correlate.Graph()
    score = _both(graph)
    graph.add("Identity", score, name="score_map")
    nothing = graph.add("Mul", score, np.float32(0))
    x, y = np.meshgrid(MIDDLES * MAP - CELLS, MIDDLES * MAP - CELLS)
    graph.add("Add", nothing, np.stack([x, y])[None].astype(np.float32), name="offset_map")
    graph.add("Add", nothing, np.full((1, 2, MAP, MAP), 0.25, np.float32), name="size_map")
    pair = (1, 2, MAP, MAP)
    outputs = {"offset_map": pair, "score_map": (1, 1, MAP, MAP), "size_map": pair}
    onnx.save(graph.model(correlate.CROPS, outputs), folder / "model.onnx")


def transt(folder: Path) -> None:
    graph = correlate.Graph()
    score = _both(graph)
    flat = graph.add("Reshape", score, np.array([1, MAP * MAP, 1]))
    logit = _logit(graph, flat)
    nothing = graph.add("Mul", flat, np.float32(0))
    graph.add("Concat", logit, nothing, axis=2, name="pred_logits")
    x, y = np.meshgrid(MIDDLES, MIDDLES)
    sides = np.full_like(x, 0.25)
    boxes = np.stack([x, y, sides, sides], axis=-1).reshape(1, -1, 4)
    graph.add("Add", nothing, boxes.astype(np.float32), name="pred_boxes")
    outputs = {"pred_logits": (1, MAP * MAP, 2), "pred_boxes": (1, MAP * MAP, 4)}
    onnx.save(graph.model(correlate.CROPS, outputs), folder / "model.onnx")


def siamrpn(folder: Path) -> None:
    """Three anchors of which the second one is the object's."""
    graph = correlate.Graph()
    score = _both(graph)
    nothing = graph.add("Mul", score, np.float32(0))
    never = graph.add("Add", nothing, np.float32(-9))
    logit = _logit(graph, score)
    graph.add("Concat", nothing, nothing, nothing, never, logit, never, axis=1, name="classes")
    graph.add("Concat", *[nothing] * 12, axis=1, name="boxes")
    outputs = {"classes": (1, 6, MAP, MAP), "boxes": (1, 12, MAP, MAP)}
    onnx.save(graph.model(correlate.CROPS, outputs), folder / "model.onnx")


def nanotrack(folder: Path) -> None:
    """An encoder that takes crops of any size, and a head without anchors."""
    graph = correlate.Graph()
    correlate.blocks(graph, "crop", name="features")
    encoder = graph.model(
        {"crop": (1, 3, "height", "width")}, {"features": (1, 3, "rows", "columns")}
    )
    onnx.save(encoder, folder / "encoder.onnx")
    graph = correlate.Graph()
    score = correlate.response(graph, "input1", "input2")
    nothing = graph.add("Mul", score, np.float32(0))
    graph.add("Concat", nothing, _logit(graph, score), axis=1, name="output1")
    half = graph.add("Add", nothing, np.float32(correlate.SEARCH / 8))
    graph.add("Concat", half, half, half, half, axis=1, name="output2")
    sides = correlate.TEMPLATE // correlate.CELL, correlate.SEARCH // correlate.CELL
    head = graph.model(
        {f"input{n + 1}": (1, 3, side, side) for n, side in enumerate(sides)},
        {"output1": (1, 2, MAP, MAP), "output2": (1, 4, MAP, MAP)},
    )
    onnx.save(head, folder / "decoder.onnx")


def film(
    frames: int = 40, *, growth: float = 1.0, aspect: float = 1.0, speed: float = 5.0, seed: int = 3
) -> Iterator[tuple[Array, Array]]:
    """Frames of 480 x 360 in which a disc with a bar moves over a cluttered ground.

    Args:
        frames: how many.
        growth: the factor by which it has grown in the last one.
        aspect: its width over its height.
        speed: pixels a frame to the right, while it sways up and down.
        seed: of the ground.

    Yields:
        (360, 480, 3) uint8 BGR, and the box around the disc, (4,) x1 y1 x2 y2.
    """
    rng = np.random.default_rng(seed)
    tiles = rng.uniform(30, 225, (18, 24, 3)).astype(np.uint8)
    ground = cv2.resize(tiles, (480, 360), interpolation=cv2.INTER_CUBIC)
    for number in range(frames):
        size = 26 * growth ** (number / max(frames - 1, 1))
        x, y = 60 + speed * number, 170 + 70 * np.sin(number / 6)
        half = size * np.array([aspect**0.5, aspect**-0.5])
        box = np.array([x - half[0], y - half[1], x + half[0], y + half[1]])
        frame = ground.copy()
        _ellipse(frame, (x, y), half, (40, 60, 230))
        _ellipse(frame, (x, y - half[1] * 0.3), half * 0.4, (240, 220, 40))
        yield frame, box


def _ellipse(frame: Array, center: tuple[float, float], half: Array, color: Any) -> None:
    """Draw a filled ellipse, its edge blended over a pixel."""
    height, width = frame.shape[:2]
    # Pixel number n reaches from n to n + 1.
    x, y = np.arange(width) + 0.5 - center[0], np.arange(height) + 0.5 - center[1]
    away = np.hypot(x[None] / half[0], y[:, None] / half[1])
    inside = (0.5 + (1 - away) * half.min()).clip(0, 1)[:, :, None]
    frame[:] = (frame * (1 - inside) + np.array(color) * inside).round().astype(np.uint8)
