"""Names of files and folders of a function for Nuclio."""

from builder.manifest.variants import VariantName

FOLDER = "nuclio"
"""The folder that `nuctl deploy --path` takes, as CVAT's own functions name it."""

README = "README.md"
MAIN = "main.py"
MODEL_HANDLER = "model_handler.py"

CONFIGS: dict[VariantName, str] = {"cpu": "function.yaml", "gpu": "function-gpu.yaml"}
"""Variant -> its configuration file, as CVAT's deploy scripts look for it."""


def requirements_name(variant: VariantName) -> str:
    """Return the name of the file that lists the packages of a variant's image."""
    return f"requirements-{variant}.txt"


def sbom_name(variant: VariantName) -> str:
    """Return the name of the SBOM of a variant's image, beside build.lock."""
    return f"sbom-{variant}.cdx.json"
