"""Rules for single values of a reply, which all kinds of function share."""

from runtimes.numbers import is_number


def number_list_fault(values: object, booleans: bool = False) -> str:
    """What keeps a value from being a list of finite numbers, or nothing."""
    if not isinstance(values, list):
        return "is missing" if values is None else f"is {kind_of(values)}, not a list"
    for value in values:
        if not (is_number(value) or (booleans and isinstance(value, bool))):
            return f"{value!r} is no finite number"
    return ""


def is_whole(value: object) -> bool:
    """Whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def kind_of(value: object) -> str:
    """What a value is, in the words of JSON."""
    names = {dict: "an object", list: "a list", str: "text", bool: "a truth value"}
    return names.get(type(value), "nothing" if value is None else "a number")
