"""The base class of segmenters like SAM: masks from an image's features, points and boxes."""

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
"""SAM's labels of positive and negative points, of the two corners of a box, and of padding."""


@dataclass(frozen=True, slots=True)
class Prompted(Segmenter):
    """The base class of segmenters like SAM: tensors, point labels, selection of masks.

    Attributes:
        square: whether masks cover the input padded to a square, even if the encoder pads it.
        names: the usual tensor names of each role; the first one in the model is used.
    """

    masks: Literal["best", "all"] = "best"
    """Masks to return for an object: only the `best` by the model's scores, or `all` above the
    threshold, among which newer versions of CVAT let annotators choose."""
    level: float = 0.0
    """Value above which a pixel belongs to the mask: 0 for logits, 0.5 for probabilities."""
    points: str | None = None
    """Name of the input with the points. Default: recognized by its name."""
    labels: str | None = None
    """Name of the input with the labels of the points. Default: recognized by its name."""
    size: str | None = None
    """Name of the input with the image's size. Default: `orig_im_size`, if the model has it."""
    features: dict[str, str] | None = None
    """Inputs of the decoder, each with the encoder's output that it takes. Default: outputs of the
    same name; a single remaining input takes the single remaining output."""
    zeros: dict[str, tuple[Count, ...]] | None = None
    """Inputs that are filled with zeros, and their shapes. Default: the inputs for a previous mask
    and for the flag whether there is one."""
    output: str | None = None
    """Name of the output with the masks. Default: recognized by its name."""
    scores: str | None = None
    """Name of the output with the scores of the masks. Default: recognized by its name."""

    square: ClassVar[bool] = False
    names: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "points": ("point_coords", "batched_point_coords", "input_points"),
        "labels": ("point_labels", "batched_point_labels", "input_labels"),
        "size": ("orig_im_size", "original_image_size"),
        "zeros": ("mask_input", "has_mask_input", "input_masks", "has_input_masks"),
        "output": ("low_res_masks", "masks", "output_masks", "pred_masks"),
        "scores": ("iou_predictions", "iou_scores", "scores"),
    }

    @property
    def pads(self) -> bool:
        """Whether a padding point is added to points without a box."""
        return False

    @property
    def takes_boxes(self) -> bool:
        """Whether the model reads the corners of a box as points with labels 2 and 3."""
        return True

    def bind(self, model: Signature, encoder: Signature | None) -> "Prompted":
        """See Segmenter.bind."""
        inputs = {tensor.name: tensor for tensor in model.inputs}
        if encoder is not None:
            check_order(self.names["points"], model, encoder)
        points = self._required("points", "for the points", model.inputs, "input")
        labels = self._required("labels", "for the labels", model.inputs, "input")
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
                f"`{self.name()}` has no value for the input {listed(unknown)}",
                where="features",
                found=listed(model.inputs),
                allowed="points, labels, a size, a previous mask, and outputs of the encoder"
                + (f": {listed(encoder.outputs)}" if encoder else ""),
                hint="set `features: {INPUT: OUTPUT OF THE ENCODER}` or `zeros: {INPUT: SHAPE}`",
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
        """Return the name of a role's tensor, or None if the model has none.

        Raises:
            BadModel: the manifest names a tensor that the model does not have.
        """
        given = getattr(self, role)
        names = [tensor.name for tensor in tensors]
        if given is None:
            return next((name for name in self.names[role] if name in names), None)
        if given not in names:
            raise absent(given, tensors, kind, role)
        return str(given)

    def _required(
        self, role: str, content: str, tensors: Sequence[Tensor], kind: Literal["input", "output"]
    ) -> Tensor:
        """Return the tensor of a required role.

        Args:
            role: the step's field that names the tensor.
            content: the role of the tensor, for the message.
            tensors: the model's inputs or outputs.
            kind: which of the two they are.

        Raises:
            BadModel: the model has none.
        """
        name = self._optional(role, tensors, kind)
        if name is None:
            raise BadModel(
                f"`{self.name()}` needs an {kind} {content}, but no {kind} of the model has a "
                "usual name",
                where=role,
                found=listed(tensors),
                allowed=", ".join(self.names[role]),
                hint=f"name it: `{role}: NAME`; or check that the step fits the model",
                fault=Fault.PROMPT_INPUTS if kind == "input" else Fault.OUTPUT_MISSING,
            )
        return next(tensor for tensor in tensors if tensor.name == name)

    def _output(self, role: str, content: str, rank: tuple[int, ...], model: Signature) -> str:
        """Return the name of the output of a required role.

        Raises:
            BadModel: the model has none, or it has another rank.
        """
        tensor = self._required(role, f"with {content}", model.outputs, "output")
        if tensor.shape and len(tensor.shape) not in rank:
            raise BadModel(
                f"the output {tensor} does not hold {content}",
                where=role,
                found=tensor.name,
                allowed=f"an output with {rank[0]} to {rank[-1]} axes: {listed(model.outputs)}",
                fault=Fault.OUTPUT_LAYOUT,
            )
        return tensor.name

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
            found, predicted = self._masks_and_scores(outputs)
            rows = self._chosen(found, predicted, len(labels))
            # Copies, because the next run may overwrite the outputs.
            grids.append(found[rows].astype(np.float32))
            scores.append(predicted[rows].astype(np.float64))
            numbers.append(np.full(len(rows), number))
        return self._instances(
            np.concatenate(grids), np.concatenate(scores), np.concatenate(numbers), view
        )

    def _fixed(self, features: Mapping[str, Array], view: View) -> dict[str, Array]:
        """Return the inputs that do not depend on the prompts.

        The size input is set to the size of the resized image, not of the original one: masks of
        the image's size are slow, and are sampled later where they are needed.
        """
        fixed = {name: features[source] for name, source in (self.features or {}).items()}
        for name, shape in (self.zeros or {}).items():
            fixed[name] = np.zeros(shape, np.float32)
        if self.size is not None:
            fixed[self.size] = np.array(_seen(view), np.float32)
        return fixed

    def _masks_and_scores(self, outputs: Mapping[str, Array]) -> tuple[Array, Array]:
        """Return masks, (K, h, w), and their scores, (K,).

        Raises:
            BadModel: the outputs have other shapes.
        """
        for name in (self.output, self.scores):
            if name not in outputs:
                raise BadModel(f"the model has no output '{name}'", found=", ".join(outputs))
        grids, scores = outputs[self.output or ""], outputs[self.scores or ""].reshape(-1)
        if grids.ndim < 3 or int(np.prod(grids.shape[:-2])) != len(scores) or not grids.size:
            raise BadModel(
                f"`{self.name()}` reads masks [1, k, h, w] and k scores, got "
                f"{list(grids.shape)} and {len(scores)} scores",
                where="output",
            )
        return grids.reshape(-1, *grids.shape[-2:]), scores

    def _chosen(self, grids: Array, scores: Array, count: int) -> Array:
        """Return the indexes of the masks to return, without empty ones.

        Of four masks, the first is for unambiguous prompts and the others are for ambiguous ones: a
        single point or a box without points. The rule is that of SamOnnxModel.select_masks of SAM's
        authors, which also counts the padding point.
        """
        rows = np.arange(len(grids))
        if len(grids) == 4:
            rows = rows[:1] if count > 2 else rows[1:]
        rows = rows[(grids[rows] > self.level).any(axis=(1, 2))]
        if self.masks == "best" and len(rows):
            rows = rows[[int(np.nan_to_num(scores[rows], nan=-np.inf).argmax())]]
        return np.asarray(rows)

    def _instances(self, grids: Array, scores: Array, numbers: Array, view: View) -> Instances:
        """Return instances in pixels of the image.

        Args:
            grids: (N, h, w) float32, none of them empty.
            scores: (N,).
            numbers: (N,) indexes of the objects.
            view: the sizes of image and input, and the map between them.
        """
        if self.size is not None and grids.shape[1:] == _seen(view):
            # Masks of the size in the size input do not include the padding.
            masks = FrameMasks.over(grids, self.level, view.image)
        else:
            side = max(view.input)
            covered = (side, side) if self.square else view.input
            masks = FrameMasks.over(grids, self.level, covered).to_image(view.geometry)
        extents = [cv2.boundingRect((grid > self.level).astype(np.uint8)) for grid in grids]
        x, y, width, height = np.array(extents, np.float64).reshape(-1, 4).T
        cells = np.stack([x, y, x + width, y + height], axis=1)
        boxes = masks.to_grid.inverse.boxes(cells)
        return Instances.of(boxes, scores, numbers, masks=masks)


def _seen(view: View) -> tuple[int, int]:
    """Return height and width of the resized image, without the padding."""
    return (
        max(1, round(view.image[0] * view.geometry.scale_y)),
        max(1, round(view.image[1] * view.geometry.scale_x)),
    )


def _tokens(prompts: Prompts, geometry: Geometry, pads: bool) -> tuple[Array, Array]:
    """Return the points as (n, 2) float32, pixels of the model's input, and (n,) labels."""
    corners = prompts.boxes.reshape(-1, 2)
    parts = [prompts.positive, prompts.negative, corners]
    labels = [_POSITIVE] * len(parts[0]) + [_NEGATIVE] * len(parts[1])
    labels += [_FIRST, _SECOND] * len(prompts.boxes)
    coords = geometry.points(np.concatenate(parts))
    if pads and not len(corners):
        coords, labels = np.concatenate([coords, np.zeros((1, 2))]), [*labels, _PADDING]
    return coords.astype(np.float32), np.array(labels, np.float32)
