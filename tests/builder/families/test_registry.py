from collections import Counter

from builder.families.registry import families, family_of
from builder.manifest.steps import known_steps
from runtimes.interfaces import Embedder, Segmenter, Tracking
from runtimes.preprocess.resize import Letterbox
from runtimes.refine.suppress import Nms
from runtimes.step import Decoder, Step

READERS: set[type[Step]] = {
    step
    for listing in ("detector", "interactor", "tracker", "reid")
    for step in known_steps(listing).values()
    if issubclass(step, Decoder | Segmenter | Tracking | Embedder)
}
"""The steps that read a model's outputs."""


def test_every_step_that_reads_outputs_belongs_to_one_family() -> None:
    listed = Counter(step for family in families() for step in family.steps)
    assert listed == dict.fromkeys(READERS, 1)


def test_a_step_has_its_family_and_others_have_none() -> None:
    for family in families():
        for step in family.steps:
            assert family_of(object.__new__(step)) is family
    assert family_of(Nms()) is None
    assert family_of(Letterbox()) is None


def test_no_two_families_have_the_same_precedence() -> None:
    # The order of rivals in a draft must not depend on the names of files.
    assert max(Counter(family.precedence for family in families()).values()) == 1
