"""OSTrack and VitTrack: maps of scores, sizes and offsets over the search crop."""

from collections.abc import Sequence

from builder.families.catalog.transt import IMAGENET_CROPS
from builder.families.template_search import tracker_family
from runtimes.signature import Tensor
from runtimes.trackers.ostrack import Ostrack


def _outputs_fit(outputs: Sequence[Tensor]) -> bool:
    """Whether there are maps of one size, with one channel and twice with two."""
    maps = [it for it in outputs if len(it.shape) == 4]
    channels = sorted(it.shape[1] or 0 for it in maps)
    return channels[:3] == [1, 2, 2] and len({it.shape[2:] for it in maps}) == 1


OSTRACK = tracker_family(
    name="OSTrack, VitTrack",
    tracker=Ostrack,
    outputs_fit=_outputs_fit,
    precedence=250,
    input_format=IMAGENET_CROPS,
    required=frozenset({"values"}),
)
