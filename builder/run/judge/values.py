"""Checks of single values of a reply, shared by all function types."""

from runtimes.numbers import is_number


def number_list_fault(values: object, booleans: bool = False) -> str:
    """Return why a value is not a list of finite numbers, or an empty text if it is one.

    Args:
        values: the decoded JSON.
        booleans: accept true and false as numbers.
    """
    if not isinstance(values, list):
        return "is missing" if values is None else f"is {json_type(values)}, not a list"
    for value in values:
        if not (is_number(value) or (booleans and isinstance(value, bool))):
            return f"{value!r} is not a finite number"
    return ""


def is_whole(value: object) -> bool:
    """Return whether a value is an integer, and not a boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def json_type(value: object) -> str:
    """Return the JSON type of a value, with its article."""
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean"}
    return names.get(type(value), "null" if value is None else "a number")
