"""SiamRPN and NanoTrack: maps of classes and of boxes over the search crop."""

from collections.abc import Sequence

from builder.families.template_search import OPENCV_CROPS, tracker_family
from runtimes.signature import Tensor
from runtimes.trackers.siamrpn import Siamrpn


def _outputs_fit(outputs: Sequence[Tensor]) -> bool:
    """Whether there are two maps, with two and with four channels per anchor."""
    if len(outputs) != 2 or any(len(it.shape) != 4 for it in outputs):
        return False
    classes, boxes = sorted(it.shape[1] or 0 for it in outputs)
    return boxes == 2 * classes > 0


SIAMRPN = tracker_family(
    name="SiamRPN, NanoTrack",
    tracker=Siamrpn,
    outputs_fit=_outputs_fit,
    precedence=260,
    input_format=OPENCV_CROPS,
)
