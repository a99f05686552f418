"""Time of built functions compared with other ways to answer the same requests.

    python benchmarks/versus.py [--repeat N]

All of them run in this process, on the same model files and the same images, in turn, so that a
busy machine slows all of them. The models are the small examples, and generated ones of realistic
size: 640x640, 80 classes, 8400 candidates, 20 objects with 8 candidates each, and the inference of
YOLOv8n. `usual` is the handler of benchmarks/usual.py with the inference runtime of the built
function, on the model file before the build. Ultralytics' predictor, with the same ONNX file, and a
handler with `supervision` take part if they can be imported; cvatbuild does not depend on either,
so install them into an environment for this benchmark alone. The replies are compared first.

The time of the whole request is elapsed time. The time without image decoding and inference is
processor time of the handler's thread, which other programs hardly change.

The script writes the ratios of the medians into docs/benchmarks.md.
"""

import argparse
import importlib.util
import io
import json
import statistics
import sys
import tempfile
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from examples import ROOT, LocalFunction, machine, request_of, scene, write_section
from supervised import SupervisedHandler
from synthetic import SIDE, Synthetic, grid
from usual import UsualHandler, iou_of

from runtimes import clock

WARM_UP = 3
SIZES = ((640, 360), (1920, 1080), (3840, 2160))
OBJECTS = 20
LEAST_IOU = 0.5
"""The IoU of two boxes of the same object. The built function crops a mask's box to its pixels, so
that the box of a partly hidden object is smaller than the model's box."""

Handler = Callable[[dict[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Subject:
    """A model whose function is compared with others.

    Attributes:
        manifest: path without the suffix, from the folder of the examples.
        model: its ONNX file.
        side: of its input.
        drawn: what its function draws: boxes or masks.
    """

    manifest: str
    model: Path
    side: int
    drawn: str


def subjects(folder: Path) -> list[Subject]:
    """Return the models; the generated ones are written to `folder`."""
    found = [
        Subject("yolo", ROOT / "manifests" / "models" / "shapes-detect.onnx", 320, "boxes"),
        Subject("masks", ROOT / "manifests" / "models" / "shapes-segment.onnx", 320, "masks"),
    ]
    for drawn in ("boxes", "masks"):
        discs = grid(OBJECTS, columns=6, step=88, radius=36)
        masks = drawn == "masks"
        Synthetic(discs, 80, masks=masks, duplicates=8, heavy=True).build(folder, f"large-{drawn}")
        manifest = folder / f"large-{drawn}"
        found.append(Subject(str(manifest), manifest.with_suffix(".onnx"), SIDE, drawn))
    return found


class UltralyticsHandler:
    """Ultralytics' predictor on the function's ONNX file, and json."""

    def __init__(
        self, model: Path, task: str, labels: list[str], side: int, threshold: float, iou: float
    ) -> None:
        from ultralytics import YOLO

        self._model = YOLO(str(model), task=task)
        self._labels = labels
        self._options = {"conf": threshold, "iou": iou, "imgsz": side, "verbose": False}

    def __call__(self, request: dict[str, Any]) -> str:
        """Answer a request."""
        import numpy as np
        from PIL import Image

        image = np.array(Image.open(io.BytesIO(b64decode(request["image"]))).convert("RGB"))
        (result,) = self._model.predict(image[:, :, ::-1], retina_masks=True, **self._options)
        items = []
        for number, box in enumerate(result.boxes):
            corners = box.xyxy[0].tolist()
            item = {"confidence": str(float(box.conf)), "label": self._labels[int(box.cls)]}
            if result.masks is None:
                items.append({**item, "type": "rectangle", "points": corners})
                continue
            bitmap = result.masks.data[number].cpu().numpy().astype(np.uint8)
            x1, y1, x2, y2 = (int(value) for value in corners)
            pixels = bitmap[y1 : y2 + 1, x1 : x2 + 1].flatten().tolist()
            polygon = result.masks.xy[number].flatten().tolist()
            mask = [*pixels, x1, y1, x2, y2]
            items.append({**item, "type": "mask", "points": polygon, "mask": mask})
        return json.dumps(items)


def handlers(function: LocalFunction, subject: Subject) -> dict[str, Handler]:
    """Return the handlers that take part, by name; the built function first."""
    description = function.handler["FUNCTION"]
    labels = [description.labels[number] for number in sorted(description.labels)]
    threshold, iou = description.threshold, description.refine[0].iou
    session = function.handler["BACKENDS"]["cpu"].open(subject.model)
    values: Any = labels, subject.side, threshold, iou
    found: dict[str, Handler] = {
        "cvatbuild": function,
        "usual": UsualHandler(session.run, *values),
    }
    if importlib.util.find_spec("supervision"):
        found["supervision"] = SupervisedHandler(session.run, *values)
    if importlib.util.find_spec("ultralytics"):
        task = "segment" if subject.drawn == "masks" else "detect"
        found["Ultralytics"] = UltralyticsHandler(subject.model, task, *values)
    return found


def corners(reply: str) -> list[tuple[str, list[float]]]:
    """Return label and corners of each item of a reply."""
    return [
        (item["label"], [float(it) for it in item.get("mask", item["points"])[-4:]])
        for item in json.loads(reply)
    ]


def check_agreement(replies: dict[str, str]) -> None:
    """Check that all replies have the objects of the first one.

    Raises:
        SystemExit: an object differs, so a comparison of the times would mean nothing.
    """
    first, *others = replies
    expected = corners(replies[first])
    for name in others:
        found = corners(replies[name])
        if len(found) != len(expected):
            raise SystemExit(f"{name} finds {len(found)} objects, {first} {len(expected)}")
        for label, box in expected:
            best = max((iou_of(box, it) for other, it in found if other == label), default=0.0)
            if best < LEAST_IOU:
                raise SystemExit(f"{name} does not find the {label} at {box}: IoU {best:.2f}")


def measure(
    found: dict[str, Handler], request: dict[str, Any], repeat: int
) -> dict[str, dict[str, float]]:
    """Return the median milliseconds of each handler: `total`, and `rest`, if it is known.

    The rest is the time beside image decoding, base64 included, and inference.
    """
    function: Any = found["cvatbuild"]
    times: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(WARM_UP + repeat):
        for name, handler in found.items():
            start, own_start = perf_counter(), thread_time()
            handler(request)
            total, own = (perf_counter() - start) * 1000, (thread_time() - own_start) * 1000
            if number < WARM_UP:
                continue
            times[name]["total"].append(total)
            stages = (
                function.service.stages if name == "cvatbuild" else getattr(handler, "spent", {})
            )
            if stages:
                rest = own - stages["image decode"] - stages["inference"]
                times[name]["rest"].append(rest)
    return {
        name: {part: statistics.median(values) for part, values in parts.items()}
        for name, parts in times.items()
    }


def main() -> None:
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=15)
    repeat = parser.parse_args().repeat
    rows = []
    # The stages of the built function are then in processor time too.
    clock.perf_counter = thread_time
    with tempfile.TemporaryDirectory() as folder:
        for subject in subjects(Path(folder)):
            function = LocalFunction(subject.manifest, Path(folder))
            found = handlers(function, subject)
            for width, height in SIZES:
                request = request_of(scene(width, height, OBJECTS))
                replies = {name: handler(request) for name, handler in found.items()}
                check_agreement(replies)
                medians = measure(found, request, repeat)
                mine = medians["cvatbuild"]
                count = len(json.loads(replies["cvatbuild"]))
                print(f"{count} {subject.drawn}: {mine['rest']:.2f} ms without decoding, inference")
                for name, times in medians.items():
                    if name != "cvatbuild":
                        rest = f"{times['rest'] / mine['rest']:.1f}" if "rest" in times else ""
                        ratio = f"{times['total'] / mine['total']:.1f}"
                        image = f"{width}x{height}"
                        reply = f"{count} {subject.drawn}"
                        rows.append((str(subject.side), reply, image, name, ratio, rest))
                        print(*rows[-1], flush=True)
    lines = [
        f"{machine()} CPU variant; medians of {repeat} requests each.",
        "",
        "| model | reply | image | compared with | whole request | without decoding, inference |",
        "|---|---|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    write_section("versus", "\n".join(lines))


if __name__ == "__main__":
    main()
