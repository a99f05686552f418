"""The error for models of no known family."""

from collections.abc import Sequence
from pathlib import Path

from builder.diagnostics.errors import ModelError
from builder.diagnostics.problem import Problem
from builder.families.evidence import Evidence
from builder.families.unsupported import unsupported_layout
from builder.model.file import Model

_MOST_LISTED = 600


def unknown_family(
    files: Sequence[Path], models: Sequence[Model], evidence: Sequence[Evidence]
) -> ModelError:
    """Return the error for models of no known family.

    Args:
        files: the model files, as the user named them.
        models: the same, read.
        evidence: of each model.
    """
    listing = "; ".join(
        f"{file.name} takes {', '.join(map(str, model.signature.inputs))} and gives "
        f"{', '.join(map(str, model.signature.outputs))}"
        for file, model in zip(files, models, strict=True)
    )
    layout = unsupported_layout(evidence[0]) if len(files) == 1 else None
    if layout is not None:
        return ModelError(
            Problem(
                f"the model family is not supported yet: {layout.name}",
                file=files[0],
                found=listing[:_MOST_LISTED],
                allowed="docs/manifest.md lists what can be decoded",
                hint=layout.hint,
            )
        )
    hint = "pass models one by one, unless they are an encoder and its decoder"
    return ModelError(
        Problem(
            "unknown model family",
            file=files[0],
            found=listing[:_MOST_LISTED],
            allowed="docs/manifest.md lists what can be decoded",
            hint=unknown_hint(models[0]) if len(files) == 1 else hint,
        )
    )


def unknown_hint(model: Model) -> str:
    """Return what may help with a model of no known family."""
    inputs = [it for it in model.signature.inputs if len(it.shape) == 4]
    single = [it for it in model.signature.inputs if len(it.shape) == 3 and 3 in it.shape]
    outputs = [tensor for tensor in model.signature.outputs if len(tensor.shape) == 4]
    # Features have many channels; an image whose channels are its last axis has few there.
    if any((it.shape[1] or 0) >= 16 and it.shape[3] not in (1, 3) for it in [*inputs, *outputs]):
        return "pass an encoder and its decoder together: `cvatbuild init ENCODER DECODER`"
    if not inputs and not single:
        return "export it with an image input: [1, 3, height, width] or [1, height, width, 3]"
    batches = [tensor for tensor in inputs if tensor.shape[0] not in (1, None)]
    if batches:
        return f"export it for one image at a time; {batches[0].name} takes {batches[0].shape[0]}"
    return "if you know the layout of its outputs, write a manifest by hand: docs/manifest.md"
