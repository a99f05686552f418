"""Generated YAML, read by libyaml where PyYAML has it: PyYAML's wheels do."""

from pathlib import Path
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


def read(file: Path) -> Any:
    """Return the data of a YAML file.

    Raises:
        ValueError: the file cannot be read or is not YAML; its text is the reason.
    """
    try:
        return load(file.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8 text") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ValueError("is not YAML" + (f", line {mark.line + 1}" if mark else "")) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError("is not YAML") from error


def value_at(data: Any, *keys: str) -> Any:
    """Return the value at nested keys.

    Raises:
        ValueError: a key is absent; its text names the key.
    """
    for number, key in enumerate(keys, 1):
        if not isinstance(data, dict) or key not in data:
            raise ValueError(f"no key {'.'.join(keys[:number])}")
        data = data[key]
    return data
