"""Inputs for an annotator's prompts, and the settings of interactors."""

from builder.families.evidence import Evidence
from builder.families.match import Setting

POINT_SETTINGS = (
    Setting("min_pos_points", 1, "a mask after the first point"),
    Setting("min_neg_points", 0, "negative points are optional"),
)
"""What CVAT asks of the annotator for models that read points only."""
PROMPT_SETTINGS = (
    *POINT_SETTINGS,
    Setting("start_with_box", "optional", "SAM accepts boxes, too"),
)
"""What CVAT asks of the annotator."""


def takes(evidence: Evidence, *words: str) -> bool:
    """Whether, for each word, the name of an input contains it."""
    return all(evidence.input_named(word) is not None for word in words)
