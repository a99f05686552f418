"""What a function as a whole can be wrong in: its name, and the variants that are left of it."""

from builder.diagnostics.findings.kind import Kind, errors

FUNCTION: dict[str, Kind] = errors(
    {
        "name-reserved": (
            "A name that belongs to others",
            "Nuclio, or CVAT's web page, treats a function of this name in its own way.",
        ),
        "function-twice": (
            "A name that two manifests claim",
            "One function would overwrite the other, here and in CVAT.",
        ),
        "variants-off": (
            "No variant left",
            "Nothing would be built.",
        ),
        "ir-variant": (
            "An OpenVINO IR for another runtime",
            "Only OpenVINO runs its own format, and the GPU variant has no OpenVINO.",
        ),
    }
)
