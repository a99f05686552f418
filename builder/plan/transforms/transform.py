"""The interface of plan transforms, and the stage that applies them."""

from collections.abc import Sequence
from typing import Protocol

from builder.plan.plan import Plan
from builder.plan.transforms.folding import with_folded_preprocessing
from builder.plan.transforms.precision import with_reduced_precision


class Transform(Protocol):
    """A function from plan to plan, applied after planning and before files are generated.

    A transform may replace the content of model files and everything that depends on it. Fold
    preprocessing into a model, for example, and the plan needs other model bytes, another input
    signature in `Plan.models` and fewer steps in `Plan.function`.

    Rules:

    - Return the plan itself if there is nothing to do, such as for another model format.
    - Set new model bytes with `Plan.with_contents`. Never write to the file that the manifest
      names. Names in the function's directory stay the same. Add files of one variant to
      `Plan.copies`; a change of a model file applies to all of its `Plan.versions`.
    - Read a model through `Plan.files`, since an earlier transform may have replaced it.
    - The same plan gives the same bytes, on any machine.
    - Give content that takes long to compute as `Derived`, so that `cvatbuild diff` need not
      compute it.
    - Add a paragraph to `Plan.notes`; the function's README has it.

    build.lock records, for each replaced file, the digest of the file that the manifest names and
    the digest of the written one. A transform is one module of this package and one test; to switch
    it on for every build, list it in TRANSFORMS.
    """

    def __call__(self, plan: Plan) -> Plan:
        """Return the transformed plan.

        Raises:
            ManifestError: the transform was requested by the manifest, but cannot be applied.
        """


TRANSFORMS: tuple[Transform, ...] = (with_reduced_precision, with_folded_preprocessing)
"""The transforms of every build, in order. Those that convert a model come before the one that adds
operations to it."""


def transformed(plan: Plan, transforms: Sequence[Transform] = TRANSFORMS) -> Plan:
    """Return the plan after all transforms, applied in order."""
    for transform in transforms:
        plan = transform(plan)
    return plan
