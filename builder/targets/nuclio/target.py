"""The Nuclio target."""

import json
from pathlib import Path
from typing import Any, get_args

import yaml

from builder.diagnostics.errors import BuiltError
from builder.diagnostics.problem import Problem
from builder.manifest.schema import KindName
from builder.manifest.variants import VariantName
from builder.targets.nuclio.readme import config_name
from builder.targets.target import Description

_FOLDER = "nuclio"
"""The folder that `nuctl deploy --path` takes, as CVAT's own functions name it."""


class Nuclio:
    """Functions for Nuclio; see Target."""

    def config_path(self, folder: Path, variant: VariantName) -> Path:
        """See Target.config_path."""
        return folder / _FOLDER / config_name(variant)

    def describe(self, folder: Path, variant: VariantName) -> Description:
        """See Target.describe."""
        path = self.config_path(folder, variant)
        try:
            config = yaml.safe_load(path.read_text("utf-8"))
            annotations = {
                str(key): str(text) for key, text in config["metadata"]["annotations"].items()
            }
            kind: Any = annotations["type"]
            if kind not in get_args(KindName):
                raise ValueError(f"unknown function type: {kind}")
            labels = json.loads(annotations["spec"])
            environment = {str(it["name"]): str(it["value"]) for it in config["spec"]["env"]}
        except (
            OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError
        ) as error:  # fmt: skip
            raise BuiltError(
                Problem(f"is not a function.yaml that cvatbuild wrote: {error!r}", file=path)
            ) from error
        return Description(kind, labels, annotations, environment, path.parent.resolve())
