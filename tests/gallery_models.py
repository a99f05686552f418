"""Named builders of the model files that the cases under tests/golden use."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray

from tests.builder.models import (
    CANDIDATES,
    end2end_model,
    external_model,
    objectness_model,
    open_size_model,
    openvino_model,
    redirected_model,
    save,
    two_input_model,
    yolo_model,
)
from tests.zoo.final import torchvision
from tests.zoo.strangers import STRANGERS

Shape: TypeAlias = Sequence[int | str]
Write: TypeAlias = Callable[[Path], object]
"""Write model files into a folder."""

GIT_LFS_POINTER = "version https://git-lfs.github.com/spec/v1\n"
HTML_PAGE = "<!DOCTYPE html>\n<html><title>best.onnx at main</title></html>\n"
ULTRALYTICS = {"names": "{0: 'cat', 1: 'dog', 2: 'bird'}", "task": "detect", "stride": "32"}

SAM_INPUTS: dict[str, Shape] = {
    "image_embeddings": (1, 4, 8, 8),
    "point_coords": (1, "n", 2),
    "point_labels": (1, "n"),
    "mask_input": (1, 1, 16, 16),
    "has_mask_input": (1,),
    "orig_im_size": (2,),
}
SAM_OUTPUTS: dict[str, Shape] = {"iou_predictions": (1, 1), "low_res_masks": (1, 1, 16, 16)}

CROPS: dict[str, Shape] = {"template": (1, 3, 127, 127), "search": (1, 3, 255, 255)}
CROP_FEATURES: dict[str, Shape] = {"z": (1, 8, 6, 6), "x": (1, 8, 22, 22)}


def _zeros(shapes: Mapping[str, Shape]) -> dict[str, NDArray[np.float32]]:
    """An array of zeros of each shape."""
    return {name: np.zeros(it, np.float32) for name, it in shapes.items()}  # type: ignore[arg-type]


def _detector(
    folder: Path, metadata: Mapping[str, str] | None = None, **outputs: tuple[int, ...]
) -> None:
    """A detector of 64x64 images whose outputs are all zeros."""
    save(folder / "model.onnx", _zeros(outputs), {"images": (1, 3, 64, 64)}, metadata or {})


def _in_model_file(write: Write) -> Write:
    """Adapt a function that writes one file: it gets the path of model.onnx in the folder."""
    return lambda folder: write(folder / "model.onnx")


def _labels_in_windows_1252(folder: Path) -> None:
    """A model without class names, and a label file in a code page."""
    yolo_model(folder / "model.onnx", metadata={"task": "detect"})
    (folder / "labels.txt").write_bytes("vélo\nVögel\ncat\n".encode("cp1252"))


def _of_the_future(folder: Path) -> None:
    """A model with an IR version and an opset that no runtime knows."""
    model = onnx.load(yolo_model(folder / "model.onnx"))
    model.ir_version = 99
    model.opset_import[0].version = 98
    onnx.save(model, folder / "model.onnx")


def _missing_weights(folder: Path) -> None:
    """A model whose external data file was deleted."""
    external_model(folder / "model.onnx", "w.data")
    (folder / "w.data").unlink()


def _wrong_declaration(folder: Path) -> None:
    """A model that declares another number of candidates than it has."""
    path = yolo_model(folder / "model.onnx")
    model = onnx.load(path)
    model.graph.output[0].type.tensor_type.shape.dim[2].dim_value = 8400
    onnx.save_model(model, path)


def _broken_metadata(folder: Path) -> None:
    """An OpenVINO IR beside a metadata.yaml that is not valid."""
    openvino_model(folder)
    (folder / "metadata.yaml").write_text("names: {0: cat\n")


def _sam(
    folder: Path,
    inputs: Mapping[str, Shape | None] | None = None,
    outputs: Mapping[str, Shape | None] | None = None,
    encoder: Mapping[str, Shape] | None = None,
    swapped: bool = False,
    weights: int = 0,
) -> None:
    """An encoder and a decoder with SAM's inputs and outputs, all zeros.

    Args:
        folder: of both files.
        inputs, outputs: changes to the decoder's; None removes one.
        encoder: changes to the encoder's inputs.
        swapped: write each model under the other's name.
        weights: size in bytes of additional weights of the encoder.
    """
    names = ("decoder", "encoder") if swapped else ("encoder", "decoder")
    images = {"image": (1, 3, 64, 64), **(encoder or {})}
    features = _zeros({"image_embeddings": (1, 4, 8, 8)})
    save(folder / f"{names[0]}.onnx", features, images, {})
    masks = _zeros(_changed(SAM_OUTPUTS, outputs))
    save(folder / f"{names[1]}.onnx", masks, _changed(SAM_INPUTS, inputs), {})
    if weights:
        _add_weights(folder / "encoder.onnx", weights)


def _changed(
    shapes: Mapping[str, Shape], changes: Mapping[str, Shape | None] | None
) -> dict[str, Shape]:
    """Shapes with some replaced, added, or (None) removed."""
    return {name: it for name, it in {**shapes, **(changes or {})}.items() if it is not None}


def _add_weights(path: Path, size: int) -> None:
    """Add a tensor of `size` bytes to a model, in a sparse external data file."""
    file = path.with_suffix(".data")
    with file.open("wb") as stream:
        stream.truncate(size)
    model = onnx.load(path)
    tensor = onnx.TensorProto(
        name="weights",
        data_type=onnx.TensorProto.FLOAT,
        dims=[size // 4],
        data_location=onnx.TensorProto.EXTERNAL,
    )
    tensor.external_data.add(key="location", value=file.name)
    model.graph.initializer.append(tensor)
    path.write_bytes(model.SerializeToString())


def _tracker(
    folder: Path, inputs: Mapping[str, Shape] = CROPS, outputs: Mapping[str, Shape] | None = None
) -> None:
    """A tracker of SiamFC's layout, all zeros."""
    given = _zeros(outputs or {"response": (1, 1, 17, 17)})
    save(folder / "model.onnx", given, inputs, {})


def _tracker_pair(
    folder: Path,
    size: int | str = "side",
    features: Mapping[str, Shape] | None = None,
    more: Mapping[str, Shape] | None = None,
    swapped: bool = False,
) -> None:
    """An encoder of crops, and a decoder that correlates two crops' features.

    Args:
        folder: of both files.
        size: side of the encoder's crops.
        features: the encoder's outputs.
        more: further inputs of the encoder.
        swapped: write each model under the other's name.
    """
    names = ("decoder", "encoder") if swapped else ("encoder", "decoder")
    crop = {"crop": (1, 3, size, size), **(more or {})}
    save(folder / f"{names[0]}.onnx", _zeros(features or {"features": (1, 8, 6, 6)}), crop, {})
    # The features' sizes stay open, since template and search crop differ in size.
    taken = {name: (*it[:2], f"{name}h", f"{name}w") for name, it in CROP_FEATURES.items()}
    save(folder / f"{names[1]}.onnx", _zeros({"response": (1, 1, 17, 17)}), taken, {})


def _embedder(
    folder: Path,
    outputs: Mapping[str, Shape] | None = None,
    inputs: Mapping[str, Shape] | None = None,
) -> None:
    """A ReID model with a vector of eight numbers for each crop, all zeros."""
    given = _zeros(outputs or {"vector": (1, 8)})
    save(folder / "model.onnx", given, inputs or {"crops": (1, 3, 64, 32)}, {})


def _with_plugin(folder: Path) -> None:
    """YOLO that ends in an operator of TensorRT."""
    path = yolo_model(folder / "model.onnx")
    proto = onnx.load(path)
    proto.graph.node[-1].domain = "TRT"
    proto.graph.node[-1].op_type = "YoloLayer_TRT"
    proto.opset_import.append(onnx.helper.make_opsetid("TRT", 1))
    onnx.save_model(proto, path)


MODELS: dict[str, Write] = {
    # detectors
    "yolo": _in_model_file(yolo_model),
    "text-recognition": _in_model_file(STRANGERS["text recognition"]),
    "yolo-with-vectors": partial(_detector, output0=(1, 7, 84), vectors=(1, 84)),
    "yolo-of-another-size": partial(_detector, output0=(1, 7, 8400)),
    "yolo-with-plugin": _with_plugin,
    "yolo-4096": _in_model_file(partial(yolo_model, size=4096)),
    "yolo-of-ultralytics": _in_model_file(partial(yolo_model, metadata=ULTRALYTICS)),
    "yolo-without-class-names": _in_model_file(partial(yolo_model, metadata={"task": "detect"})),
    "yolo-with-task-obb": _in_model_file(partial(yolo_model, metadata={"task": "obb"})),
    "yolo-with-open-size": _in_model_file(open_size_model),
    "torchvision-with-open-size": _in_model_file(torchvision),
    "yolo-with-two-inputs": _in_model_file(two_input_model),
    "yolo-with-two-heads": partial(_detector, one=(1, 7, CANDIDATES), other=(1, 7, CANDIDATES)),
    "yolo-with-colors": partial(_detector, output0=(1, 7, CANDIDATES), colors=(CANDIDATES, 2)),
    "yolo-end2end": _in_model_file(end2end_model),
    "yolo-objectness": _in_model_file(objectness_model),
    "yolo-segment": partial(
        _detector,
        metadata={"task": "segment"},
        output0=(1, 4 + 3 + 2, CANDIDATES),
        output1=(1, 2, 16, 16),
    ),
    "yolo-pose": partial(
        _detector,
        metadata={"task": "pose", "kpt_shape": "[2, 3]"},
        output0=(1, 4 + 3 + 2 * 3, CANDIDATES),
    ),
    "yolo-pose-without-metadata": partial(_detector, output0=(1, 4 + 3 + 2 * 3, CANDIDATES)),
    # 8 x 8, 4 x 4 and 2 x 2 cells at 64x64
    "yolox": partial(_detector, output=(1, 84, 5 + 3)),
    "rtdetr": partial(_detector, logits=(1, 30, 3), pred_boxes=(1, 30, 4)),
    "one-score-per-class": partial(_detector, scores=(1, 3)),
    # detectors' files that cannot be used
    "git-lfs-pointer": _in_model_file(lambda path: path.write_text(GIT_LFS_POINTER)),
    "yolo-with-labels-in-windows-1252": _labels_in_windows_1252,
    "yolo-of-the-future": _of_the_future,
    "html-page": _in_model_file(lambda path: path.write_text(HTML_PAGE)),
    "empty-file": _in_model_file(lambda path: path.write_bytes(b"")),
    "weights-missing": _missing_weights,
    "weights-outside-folder": _in_model_file(
        partial(redirected_model, location="../../etc/passwd")
    ),
    "openvino-ir": openvino_model,
    "openvino-ir-with-broken-metadata": _broken_metadata,
    "yolo-with-wrong-declaration": _wrong_declaration,
    # interactors
    "sam": _sam,
    "sam-swapped": partial(_sam, swapped=True),
    "sam-with-points-called-dots": partial(
        _sam, inputs={"point_coords": None, "dots": (1, "n", 2)}
    ),
    "sam-for-two-points": partial(_sam, inputs={"point_coords": (1, 2, 2), "point_labels": (1, 2)}),
    "sam-with-unknown-features": partial(_sam, inputs={"high_res_feats_0": (1, 2, 16, 16)}),
    "sam-with-other-feature-shape": partial(_sam, inputs={"image_embeddings": (1, 16, 8, 8)}),
    "sam-with-masks-called-found": partial(
        _sam, outputs={"low_res_masks": None, "found": (1, 1, 16, 16)}
    ),
    "sam-with-depth-input": partial(_sam, encoder={"depth": (1, 1, 64, 64)}),
    "sam-with-batch-of-four": partial(_sam, encoder={"image": (4, 3, 64, 64)}),
    "sam-with-160-mib": partial(_sam, weights=160 * 2**20),
    # trackers
    "siamfc": _tracker,
    "siamfc-with-open-size": partial(
        _tracker, inputs={"template": (1, 3, "h", "w"), "search": (1, 3, "H", "W")}
    ),
    "siamfc-with-oblong-search": partial(_tracker, inputs={**CROPS, "search": (1, 3, 255, 127)}),
    "siamfc-with-equal-inputs": partial(
        _tracker, inputs={"a": (1, 3, 127, 127), "b": (1, 3, 127, 127)}
    ),
    "siamfc-with-one-input": partial(_tracker, inputs={"crop": (1, 3, 127, 127)}),
    "siamfc-with-batch-of-twelve": partial(
        _tracker, inputs={**CROPS, "template": (12, 3, 127, 127)}
    ),
    "siamfc-with-ten-channels": partial(_tracker, outputs={"response": (1, 10, 17, 17)}),
    "siamfc-with-two-outputs": partial(
        _tracker, outputs={"one": (1, 1, 17, 17), "other": (1, 1, 17, 17)}
    ),
    "transt": partial(_tracker, outputs={"logits": (1, 1024, 2), "boxes": (1, 1024, 4)}),
    "transt-with-1000-cells": partial(
        _tracker, outputs={"logits": (1, 1000, 2), "boxes": (1, 1000, 4)}
    ),
    "ostrack": partial(
        _tracker,
        outputs={"score": (1, 1, 16, 16), "size": (1, 2, 16, 16), "offset": (1, 2, 16, 16)},
    ),
    "siamfc-pair": _tracker_pair,
    "siamfc-pair-swapped": partial(_tracker_pair, swapped=True),
    "siamfc-pair-with-fixed-size": partial(_tracker_pair, size=255),
    "siamfc-pair-with-two-inputs": partial(_tracker_pair, more={"scale": (1,)}),
    "siamfc-pair-with-two-outputs": partial(
        _tracker_pair, features={"low": (1, 4, 12, 12), "high": (1, 8, 6, 6)}
    ),
    # ReID
    "embedder": _embedder,
    "embedder-without-pooling": partial(_embedder, outputs={"map": (1, 8, 4, 2)}),
    "embedder-with-one-score": partial(_embedder, outputs={"score": (1, 1)}),
    "embedder-with-two-vectors": partial(_embedder, outputs={"body": (1, 8), "face": (1, 4)}),
    "embedder-with-one-axis": partial(_embedder, outputs={"all": (8,)}),
    "embedder-of-two-crops": partial(
        _embedder, inputs={"one": (1, 3, 64, 32), "other": (1, 3, 64, 32)}
    ),
    "embedder-with-batch-of-eight": partial(_embedder, inputs={"crops": (8, 3, 64, 32)}),
}
"""Name -> function that writes the model files of a case into its folder."""
