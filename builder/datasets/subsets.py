"""Choice of a dataset's part that is evaluated."""

from collections.abc import Iterable
from typing import TypeVar

from builder.datasets.value import Place

ORDER = ("val", "valid", "validation", "test", "train")
"""Names of subsets; models are evaluated on the first one that a dataset has."""

T = TypeVar("T")


def chosen(parts: Iterable[tuple[str, T]], place: Place) -> tuple[str, T] | None:
    """Return the part of a dataset whose name comes first in ORDER, or the only part.

    Args:
        parts: the name and the data of each. A name may have a year after it, as `val2017` has.
        place: the dataset, for messages.

    Returns:
        None if there are no parts.

    Raises:
        DatasetError: there are several, and the names do not decide.
    """
    all_ = list(parts)
    if len(all_) <= 1:
        return all_[0] if all_ else None
    for name in ORDER:
        fitting = [part for part in all_ if part[0].rstrip("0123456789").lower() == name]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            all_ = fitting
            break
    names = ", ".join(name or "(no name)" for name, _ in all_)
    raise place.error("has several parts", names, "one part", "name one of the files")
