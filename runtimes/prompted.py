"""Models that turn an image's features, points and boxes into masks: what SAM's kind share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import cv2
import numpy as np

from runtimes.arrays import Array
from runtimes.errors import BadModel, Fault
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.interfaces import Run, Segmenter
from runtimes.masks import FrameMasks
from runtimes.prompt_inputs import check_given, check_order, check_prompts, paired, zeros_shape
from runtimes.prompts import Prompts
from runtimes.signature import Signature, Tensor, absent, listed
from runtimes.step import Count
from runtimes.view import View

_POSITIVE, _NEGATIVE, _FIRST, _SECOND, _PADDING = 1, 0, 2, 3, -1
"""SAM's labels of points, of the two corners of a box, and of a point that is none."""


@dataclass(frozen=True, slots=True)
class Prompted(Segmenter):
    """What the segmenters of SAM's kind share: the tensors, the labels, the choice of a mask.

    Attributes:
        pads: whether a point that is none has to go with points that have no box.
        square: whether masks cover the square that the input is padded to, by the encoder where
            preprocessing does not.
    """

    masks: Literal["best", "all"] = "best"
    """Which of the masks that the model proposes for an object to offer: the `best` by its own
    scores, or `all` above the threshold. The newer CVATs let people choose."""
    level: float = 0.0
    """The value above which a pixel belongs to the mask: 0 for logits, 0.5 for probabilities."""
    points: str | None = None
    """The input that takes the points. Default: by its usual name."""
    labels: str | None = None
    """The input that takes their labels. Default: by its usual name."""
    size: str | None = None
    """The input that takes the image's size. Default: `orig_im_size` where it is."""
    features: dict[str, str] | None = None
    """Inputs of the decoder, and the encoder's output that goes into each. Default: by equal names;
    what is left over on both sides belongs together."""
    zeros: dict[str, tuple[Count, ...]] | None = None
    """Inputs that are given zeros, and their shapes. Default: those that take an earlier mask and
    say whether there is one."""
    output: str | None = None
    """The output with the masks. Default: by its usual name."""
    scores: str | None = None
    """The output with their scores. Default: by its usual name."""

    pads: ClassVar[bool] = False
    square: ClassVar[bool] = False
    names: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "points": ("point_coords", "batched_point_coords", "input_points"),
        "labels": ("point_labels", "batched_point_labels", "input_labels"),
        "size": ("orig_im_size", "original_image_size"),
        "zeros": ("mask_input", "has_mask_input", "input_masks", "has_input_masks"),
        "output": ("low_res_masks", "masks", "output_masks", "pred_masks"),
        "scores": ("iou_predictions", "iou_scores"),
    }
    """The usual names of each role's tensors, the first that is there counts."""

    def bind(self, model: Signature, encoder: Signature | None) -> "Prompted":
        """See Segmenter.bind."""
        inputs = {tensor.name: tensor for tensor in model.inputs}
        if encoder is not None:
            check_order(self.names["points"], model, encoder)
        points = self._input("points", model)
        labels = self._input("labels", model)
        check_prompts(points, labels)
        size = self._optional("size", model.inputs, "input")
        zeros = self.zeros
        if zeros is None:
            zeros = {
                name: zeros_shape(inputs[name]) for name in self.names["zeros"] if name in inputs
            }
        taken = {points.name, labels.name, size, *zeros}
        left = [tensor for tensor in model.inputs if tensor.name not in taken]
        features = self.features
        if features is None:
            features = paired(left, encoder)
        for key, names in (("features", features), ("zeros", zeros)):
            for name in names:
                if name not in inputs:
                    raise absent(name, model.inputs, "input", key)
        unknown = [tensor for tensor in left if tensor.name not in features]
        if unknown:
            raise BadModel(
                f"`{self.name()}` does not know what to give to the input {listed(unknown)}",
                where="features",
                found=listed(model.inputs),
                allowed="points, labels, a size, an earlier mask, and what an encoder gives"
                + (f": {listed(encoder.outputs)}" if encoder else ""),
                hint="write `features: {INPUT: OUTPUT OF THE ENCODER}` or `zeros: {INPUT: SHAPE}`",
                fault=Fault.UNCONNECTED_INPUT,
            )
        if encoder is not None:
            check_given(features, inputs, encoder)
        return replace(
            self,
            points=points.name,
            labels=labels.name,
            size=size,
            features=features,
            zeros=zeros,
            output=self._output("output", "masks", (3, 4, 5), model),
            scores=self._output("scores", "scores of masks", (1, 2, 3), model),
        )

    def image_input(self) -> str:
        """See Segmenter.image_input."""
        return next(iter(self.features or {}), "")

    def _optional(
        self, role: str, tensors: Sequence[Tensor], kind: Literal["input", "output"]
    ) -> str | None:
        """The name of a role's tensor, if the model has one.

        Raises:
            BadModel: the manifest names one that the model does not have.
        """
        given = getattr(self, role)
        names = [tensor.name for tensor in tensors]
        if given is None:
            return next((name for name in self.names[role] if name in names), None)
        if given not in names:
            raise absent(given, tensors, kind, role)
        return str(given)

    def _input(self, role: str, model: Signature) -> Tensor:
        """The input that takes the points, or their labels.

        Raises:
            BadModel: the model has none.
        """
        name = self._optional(role, model.inputs, "input")
        if name is None:
            raise BadModel(
                f"`{self.name()}` needs an input for the {role}, and none of the model's has a "
                "usual name",
                where=role,
                found=listed(model.inputs),
                allowed=", ".join(self.names[role]),
                hint=f"name it: `{role}: NAME`; or is this model meant for something else?",
                fault=Fault.PROMPT_INPUTS,
            )
        return next(tensor for tensor in model.inputs if tensor.name == name)

    def _output(self, role: str, holds: str, rank: tuple[int, ...], model: Signature) -> str:
        """The name of a role's output.

        Raises:
            BadModel: the model has none, or one of another rank.
        """
        name = self._optional(role, model.outputs, "output")
        if name is None:
            raise BadModel(
                f"`{self.name()}` needs an output with {holds}, and none of the model's has a "
                "usual name",
                where=role,
                found=listed(model.outputs),
                allowed=", ".join(self.names[role]),
                hint=f"name it: `{role}: NAME`; or is this model meant for something else?",
                fault=Fault.OUTPUT_MISSING,
            )
        tensor = next(tensor for tensor in model.outputs if tensor.name == name)
        if tensor.shape and len(tensor.shape) not in rank:
            raise BadModel(
                f"the output {tensor} does not hold {holds}",
                where=role,
                found=name,
                allowed=f"an output with {rank[0]} to {rank[-1]} axes: {listed(model.outputs)}",
                fault=Fault.OUTPUT_LAYOUT,
            )
        return name

    def __call__(
        self, run: Run, features: Mapping[str, Array], view: View, prompts: Prompts
    ) -> Instances:
        """See Segmenter."""
        fixed = self._fixed(features, view)
        grids, scores, numbers = [], [], []
        for number, prompt in enumerate(prompts.objects()):
            coords, labels = _tokens(prompt, view.geometry, self.pads)
            feeds = {**fixed, self.points or "": coords, self.labels or "": labels}
            outputs = run(feeds)
            found, sure = self._read(outputs)
            rows = self._chosen(found, sure, len(labels))
            # Of several boxes' masks only those that count outlive the next run.
            grids.append(found[rows].astype(np.float32))
            scores.append(sure[rows].astype(np.float64))
            numbers.append(np.full(len(rows), number))
        return self._instances(
            np.concatenate(grids), np.concatenate(scores), np.concatenate(numbers), view
        )

    def _fixed(self, features: Mapping[str, Array], view: View) -> dict[str, Array]:
        """The inputs that do not depend on the prompts.

        The size that is asked for is that of the image as the model saw it: masks as large as the
        image would cost much, and are sampled later where they are.
        """
        fixed = {name: features[source] for name, source in (self.features or {}).items()}
        for name, shape in (self.zeros or {}).items():
            fixed[name] = np.zeros(shape, np.float32)
        if self.size is not None:
            fixed[self.size] = np.array(_seen(view), np.float32)
        return fixed

    def _read(self, outputs: Mapping[str, Array]) -> tuple[Array, Array]:
        """Masks, (K, h, w), and their scores, (K,).

        Raises:
            BadModel: the outputs are no such arrays.
        """
        for name in (self.output, self.scores):
            if name not in outputs:
                raise BadModel(f"the model gave no output '{name}'", found=", ".join(outputs))
        grids, scores = outputs[self.output or ""], outputs[self.scores or ""].reshape(-1)
        if grids.ndim < 3 or int(np.prod(grids.shape[:-2])) != len(scores) or not grids.size:
            raise BadModel(
                f"`{self.name()}` reads masks [1, k, h, w] and k scores, got "
                f"{list(grids.shape)} and {len(scores)} scores",
                where="output",
            )
        return grids.reshape(-1, *grids.shape[-2:]), scores

    def _chosen(self, grids: Array, scores: Array, count: int) -> Array:
        """The numbers of the masks to offer, none of them empty.

        Where a model gives four, the first is meant for prompts that leave no doubt and the others
        for those that do: one point, or a box alone. As in SamOnnxModel.select_masks of SAM's
        authors, which counts the padding too.
        """
        rows = np.arange(len(grids))
        if len(grids) == 4:
            rows = rows[:1] if count > 2 else rows[1:]
        rows = rows[(grids[rows] > self.level).any(axis=(1, 2))]
        if self.masks == "best" and len(rows):
            rows = rows[[int(np.nan_to_num(scores[rows], nan=-np.inf).argmax())]]
        return np.asarray(rows)

    def _instances(self, grids: Array, scores: Array, numbers: Array, view: View) -> Instances:
        """Instances in pixels of the image; grids: (N, h, w) float32, none of them empty."""
        if self.size is not None and grids.shape[1:] == _seen(view):
            # Made at the size that was asked for, they leave out the padding.
            masks = FrameMasks.over(grids, self.level, view.image)
        else:
            side = max(view.input)
            covered = (side, side) if self.square else view.input
            masks = FrameMasks.over(grids, self.level, covered).to_image(view.geometry)
        extents = [cv2.boundingRect((grid > self.level).astype(np.uint8)) for grid in grids]
        x, y, width, height = np.array(extents, np.float64).reshape(-1, 4).T
        cells = np.stack([x, y, x + width, y + height], axis=1)
        boxes = masks.to_grid.inverse.boxes(cells)
        # Scores are predictions of an overlap, and may come out a little above 1.
        return Instances.of(boxes, scores.clip(0, 1), numbers, masks=masks)


def _seen(view: View) -> tuple[int, int]:
    """Height and width of the image as the model saw it, without the padding."""
    return (
        max(1, round(view.image[0] * view.geometry.scale_y)),
        max(1, round(view.image[1] * view.geometry.scale_x)),
    )


def _tokens(prompts: Prompts, geometry: Geometry, pads: bool) -> tuple[Array, Array]:
    """(n, 2) coordinates in pixels of the model's input, and (n,) labels."""
    corners = prompts.boxes.reshape(-1, 2)
    parts = [prompts.positive, prompts.negative, corners]
    labels = [_POSITIVE] * len(parts[0]) + [_NEGATIVE] * len(parts[1])
    labels += [_FIRST, _SECOND] * len(prompts.boxes)
    coords = geometry.points(np.concatenate(parts))
    if pads and not len(corners):
        coords, labels = np.concatenate([coords, np.zeros((1, 2))]), [*labels, _PADDING]
    return coords.astype(np.float32), np.array(labels, np.float32)
