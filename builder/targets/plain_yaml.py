"""Generated YAML, read by libyaml where PyYAML has it: PyYAML's wheels do."""

from typing import Any

import yaml

# A tenth of the time, which is a fifth of that of a build without smoke test.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(text: str) -> Any:
    """Return the data of a YAML text.

    Raises:
        yaml.YAMLError: the text is not YAML, or has tags other than those of JSON's types.
    """
    return yaml.load(text, _LOADER)  # noqa: S506
