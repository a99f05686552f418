"""SiamFC: one map of scores over the search crop."""

from collections.abc import Sequence

from builder.families.template_search import OPENCV_CROPS, tracker_family
from runtimes.signature import Tensor
from runtimes.trackers.siamfc import Siamfc


def _outputs_fit(outputs: Sequence[Tensor]) -> bool:
    """Whether there is one map of one channel."""
    return [it.shape[1] for it in outputs if len(it.shape) == 4] == [1] and len(outputs) == 1


SIAMFC = tracker_family(
    name="SiamFC",
    tracker=Siamfc,
    outputs_fit=_outputs_fit,
    precedence=270,
    input_format=OPENCV_CROPS,
)
