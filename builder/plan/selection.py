"""Which variants of a function are built."""

from collections.abc import Sequence
from typing import Any

from builder.backends.backend import FORMATS, Backend
from builder.backends.registry import backend_of, backends_of
from builder.diagnostics.errors import ManifestError
from builder.diagnostics.rule import Rule
from builder.manifest.reading import ManifestFile
from builder.manifest.variant_schema import NO_VARIANT
from builder.manifest.variants import VARIANTS, Variant, VariantName
from builder.model.file import Model

IR_WITHOUT_OPENVINO = Rule(
    "ir-without-openvino",
    "OpenVINO IR without OpenVINO",
    "Only OpenVINO runs OpenVINO IR, and the GPU variant does not include OpenVINO.",
)


def select(
    manifest_file: ManifestFile[Any], found: Sequence[Model], wanted: Sequence[VariantName]
) -> tuple[VariantName, ...]:
    """Return the variants that are requested and not switched off, and check their backends.

    Args:
        manifest_file: the manifest.
        found: its models.
        wanted: the requested variants.

    Raises:
        ManifestError: no variant is left, or a backend cannot load a model.
    """
    settings: dict[VariantName, Variant | None] = {
        name: manifest_file.manifest.variants.of(name) for name in VARIANTS if name in wanted
    }
    kept = {name: it for name, it in settings.items() if it is not None}
    if not kept:
        raise ManifestError(
            manifest_file.problem(
                ("variants",),
                f"the requested variant is switched off: {', '.join(wanted)}",
                rule=NO_VARIANT,
            )
        )
    formats = sorted({model.format for model in found})
    unfit = [
        (backend, it)
        for backend in map(backend_of, kept.values())
        for it in formats
        if it not in backend.formats
    ]
    # A variant that cannot be built at all is reported before one that needs another backend.
    for check in (_no_backend, _other_backend):
        for backend, model_format in unfit:
            check(manifest_file, backend, model_format)
    return tuple(kept)


def _able(variant: VariantName, model_format: str) -> list[Backend]:
    """Return the backends of a variant that load a format of model files."""
    return [it for it in backends_of(variant) if model_format in it.formats]


def _no_backend(manifest_file: ManifestFile[Any], backend: Backend, model_format: str) -> None:
    """Refuse a model that no backend of the variant can load."""
    variant = backend.variant
    if _able(variant, model_format):
        return
    able = [name.upper() for name in VARIANTS if _able(name, model_format)]
    hint = f"write `variants: {{{variant}: false}}` to build the {able[0]} variant alone"
    raise ManifestError(
        manifest_file.problem(
            ("model",),
            f"is an {FORMATS[model_format]}, which the {variant.upper()} variant cannot run",
            manifest_file.yaml.found(("model",)),
            " or ".join(f"an {FORMATS[it]}" for it in sorted(backend.formats)),
            hint if able else "",
            IR_WITHOUT_OPENVINO,
        )
    )


def _other_backend(manifest_file: ManifestFile[Any], backend: Backend, model_format: str) -> None:
    """Refuse a backend that cannot load a model which another one of the variant can load."""
    able = _able(backend.variant, model_format)
    raise ManifestError(
        manifest_file.problem(
            ("variants", backend.variant, "runtime"),
            f"an {FORMATS[model_format]} can only be run by {' or '.join(it.title for it in able)}",
            backend.name,
            " or ".join(it.name for it in able),
            rule=IR_WITHOUT_OPENVINO,
        )
    )
