"""Semantic segmentation, bound to labels with several class IDs."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from runtimes.arrays import Array
from runtimes.decoders.semantic import Semantic
from runtimes.step import Decoder


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedSemantic(Semantic):
    """The manifest's `semantic` step, bound to labels of which some have several class IDs.

    The classes of a label are merged before the map is divided into instances, so that a label has
    one mask, or one mask for each component of its classes together.

    Attributes:
        same: the class IDs of each label that has several.
    """

    same: tuple[tuple[int, ...], ...]

    @classmethod
    def name(cls) -> str:
        """See Step.name."""
        return Semantic.name()

    def merged(self, class_map: Array, background: int | None) -> Array:
        """Replace the class IDs of each label by the first one, except that of the background.

        Args:
            class_map: (H, W) int32, -1 where there is no class.
            background: the class ID of the background, if there is one.
        """
        numbers = np.arange(-1, class_map.max(initial=-1) + 1, dtype=class_map.dtype)
        for group in self.same:
            classes = [it for it in group if it != background]
            numbers[np.isin(numbers, classes)] = classes[0]
        return np.asarray(numbers[class_map + 1])


def with_merged_classes(decoder: Decoder, same: Sequence[tuple[int, ...]]) -> Decoder:
    """Return a bound decoder that merges classes, if it is `semantic`.

    Other decoders return instances, which the detector merges.

    Args:
        decoder: the bound step.
        same: the class IDs of each label that has several.
    """
    if type(decoder) is not Semantic or not same:
        return decoder
    values = {field.name: getattr(decoder, field.name) for field in fields(decoder)}
    return MergedSemantic(**values, same=tuple(same))
