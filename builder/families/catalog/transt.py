"""TransT: logits [1, n, 2] and boxes [1, n, 4] of places in the search crop."""

from collections.abc import Sequence

from builder.families.evidence import fits
from builder.families.input_format import IMAGENET_MEAN, IMAGENET_STD, InputFormat, Values
from builder.families.template_search import tracker_family
from runtimes.signature import Tensor
from runtimes.trackers.transt import Transt

IMAGENET_CROPS = InputFormat(
    values=Values(
        "ImageNet's mean and std",
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        exception="the exported model normalizes its input",
        guessed=True,
    ),
)
"""What trackers with a transformer take."""


def _outputs_fit(outputs: Sequence[Tensor]) -> bool:
    """Whether there are logits of object and background, and boxes."""
    logits = [it for it in outputs if fits(it, (1, None, 2)) and it.shape[2] == 2]
    boxes = [it for it in outputs if fits(it, (1, None, 4)) and it.shape[2] == 4]
    return len(logits) == 1 and len(boxes) == 1


TRANST = tracker_family(
    name="TransT",
    tracker=Transt,
    outputs_fit=_outputs_fit,
    precedence=240,
    input_format=IMAGENET_CROPS,
    required=frozenset({"values"}),
)
