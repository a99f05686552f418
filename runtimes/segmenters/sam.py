"""SAM, MobileSAM, SAM-HQ and EdgeSAM."""

from dataclasses import dataclass, replace
from typing import ClassVar

from runtimes.prompted import Prompted
from runtimes.signature import Signature

_TRANSFORMERS_POINTS = "input_points"
"""The name of the input with the points in the exports of Hugging Face's optimum."""


@dataclass(frozen=True, slots=True)
class Sam(Prompted):
    """SAM, MobileSAM, SAM-HQ, EdgeSAM: an encoder for the image, a decoder for points and boxes.

    The decoder is exported with SAM's own script, EdgeSAM's, or Hugging Face's optimum. Its inputs
    are `point_coords`, `point_labels`, mostly `mask_input`, `has_mask_input` and `orig_im_size`,
    and the encoder's outputs (`image_embeddings`, for SAM-HQ also `interm_embeddings`). Its outputs
    are `iou_predictions` and `low_res_masks` or `masks`; EdgeSAM's are `scores` and `masks`. With
    optimum, the inputs are `input_points`, `input_labels`, `image_embeddings` and
    `image_positional_embeddings`, the outputs `iou_scores` and `pred_masks`. The encoder takes the
    image resized to 1024 and padded on the right and at the bottom; for an encoder that pads in the
    graph, use `letterbox` with `stride: 1`.

    Example:
        - sam: {masks: all}
    """

    transformers: bool | None = None
    """Whether the decoder is exported with Hugging Face's optimum: its graph adds the padding point
    and reads no boxes. Default: whether its points' input is called `input_points`."""

    square: ClassVar[bool] = True

    def bind(self, model: Signature, encoder: Signature | None) -> "Sam":
        """See Segmenter.bind."""
        # In a class with slots, super() without arguments is that of the class without them.
        bound = super(Sam, self).bind(model, encoder)
        assert isinstance(bound, Sam)
        if self.transformers is None:
            bound = replace(bound, transformers=bound.points == _TRANSFORMERS_POINTS)
        return bound

    @property
    def pads(self) -> bool:
        """See Prompted.pads."""
        return not self.transformers

    @property
    def takes_boxes(self) -> bool:
        """See Prompted.takes_boxes."""
        return not self.transformers
