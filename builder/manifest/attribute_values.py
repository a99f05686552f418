"""Attribute values, as CVAT's server accepts them from a function.

Sources: cvat/apps/lambda_manager/views.py for the types, cvat/apps/engine/serializers.py for the
length. For `select` and `radio` the server also accepts parts of a choice; here the whole choice is
required.
"""

from collections.abc import Sequence

_MAX_LENGTH = 4096
"""The maximum length of a value in CVAT, in characters."""


def value_fault(value: str, input_type: str, values: Sequence[object]) -> str:
    """Return why CVAT drops an attribute's value, or an empty text if CVAT accepts it.

    Args:
        value: the value in a function's reply.
        input_type: the attribute's `input_type`: select, radio, number, checkbox or text.
        values: the attribute's `values`: the choices; minimum, maximum and step of a number.
    """
    declared = [str(it) for it in values]
    if len(value) > _MAX_LENGTH:
        return f"is longer than {_MAX_LENGTH} characters"
    if input_type == "number":
        if not value.isdecimal():
            return f"'{value}' is not a non-negative integer"
        low, high, step = (int(it) for it in declared)
        if not low <= int(value) <= high or (int(value) - low) % step:
            return f"'{value}' is not from {low} to {high} in steps of {step}"
    elif input_type == "checkbox" and value not in ("true", "false"):
        return f"'{value}' is neither 'true' nor 'false'"
    elif input_type in ("select", "radio") and value not in declared:
        return f"'{value}' is not one of {', '.join(declared)}"
    return ""
