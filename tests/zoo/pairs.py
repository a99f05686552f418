"""Encoders and decoders that belong together, and trackers in one model."""

from dataclasses import dataclass

from tests.zoo.net import Maker
from tests.zoo.prompted import (
    edgesam_decoder,
    optimum_decoder,
    optimum_encoder,
    sam2_decoder,
    sam2_encoder,
    sam_decoder,
    sam_encoder,
)
from tests.zoo.trackers import compared, crop_encoder, crop_head


@dataclass(frozen=True)
class Pair:
    """What must come of an encoder and its decoder.

    Attributes:
        encoder, decoder: write the models.
        type: the type of function.
        step: the first step of `postprocess`.
        preprocess: the names of the steps.
    """

    encoder: Maker
    decoder: Maker
    type: str
    step: str
    preprocess: tuple[str, ...]


PAIRS = {
    "sam": Pair(sam_encoder, sam_decoder, "interactor", "sam", ("letterbox", "normalize")),
    "edgesam": Pair(sam_encoder, edgesam_decoder, "interactor", "sam", ("letterbox", "normalize")),
    "optimum": Pair(
        optimum_encoder, optimum_decoder, "interactor", "sam", ("letterbox", "normalize")
    ),
    "sam2": Pair(sam2_encoder, sam2_decoder, "interactor", "sam2", ("resize", "normalize")),
    "nanotrack": Pair(crop_encoder, crop_head, "tracker", "siamrpn", ("channels",)),
}

TRACKERS = {
    "transt": compared(pred_logits=(1, 64, 2), pred_boxes=(1, 64, 4)),
    "ostrack": compared(score=(1, 1, 4, 4), size=(1, 2, 4, 4), offset=(1, 2, 4, 4)),
    "siamrpn": compared(cls=(1, 10, 5, 5), loc=(1, 20, 5, 5)),
    "siamfc": compared(response=(1, 1, 17, 17)),
}
"""The step that reads a tracker's outputs -> writes the tracker."""
