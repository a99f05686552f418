"""The example that a step's docstring ends with.

The docstring of every step has a last paragraph `Example:`, with one entry of a manifest's list
below it, indented. docs/manifest.md shows it as YAML; descriptions in the JSON Schema leave it out.
"""

import inspect
import textwrap

_HEADING = "Example:"


def example(step: type) -> str:
    """Return the YAML of a step's example, without a line break at the end.

    Raises:
        ValueError: the step's docstring has no example.
    """
    _, found = _split(step)
    if not found:
        raise ValueError(f"the docstring of {step.__name__} does not end with `{_HEADING}`")
    return found


def description(cls: type) -> str:
    """Return the docstring of a step, or of any other class, without its example."""
    text, _ = _split(cls)
    return text


def _split(cls: type) -> tuple[str, str]:
    """Split a class's docstring into its text and the YAML of its example."""
    text, _, found = inspect.cleandoc(cls.__doc__ or "").partition(f"\n\n{_HEADING}\n")
    return text, textwrap.dedent(found)
