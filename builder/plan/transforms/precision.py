"""A transform that gives variants model files in reduced precision."""

from collections.abc import Mapping
from dataclasses import replace

from builder.backends.backend import BackendSettings
from builder.plan.content import Content, Derived
from builder.plan.plan import Plan
from builder.plan.reduction import Reduction


def with_reduced_precision(plan: Plan) -> Plan:
    """Return the plan with model files for the variants that ask for them; see Transform.

    Each model file NAME.onnx gets a copy NAME-VARIANT.onnx, which the variant loads.

    Raises:
        ManifestError: the calibration images cannot be used.
    """
    exact = plan
    for variant in plan.variants:
        settings = plan.settings(variant).part(BackendSettings)
        if settings.reduced is None:
            continue
        # Imported here, since most functions are in float32.
        from builder.plan.reducer import Reducer

        reducer = Reducer(exact, variant, settings.reduced)
        names = {it.name: own_name(it.name, settings.suffix) for it in exact.models}
        contents: Mapping[str, Content] = {
            name: Derived.of(exact.files[name], reducer.recipe, reducer.change(name))
            for name in names
        }
        reduction = Reduction(
            variant,
            settings.reduced,
            tuple(names.values()),
            settings.max_difference.of(settings.reduced),
            reducer.circumstances,
            lambda reducer=reducer, contents=contents: reducer.measure(contents),  # type: ignore[misc]
            reducer.digests,
        )
        copies = {copy: name for name, copy in names.items()}
        plan = replace(plan, copies={**plan.copies, **copies})
        plan = plan.with_contents({names[name]: it for name, it in contents.items()})
        plan = replace(plan, reductions=(*plan.reductions, reduction))
    return plan


def own_name(name: str, suffix: str) -> str:
    """Return the name of a variant's own file; see runtimes.backends.session.load."""
    stem, dot, extension = name.rpartition(".")
    return f"{stem}{suffix}{dot}{extension}"
