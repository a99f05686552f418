"""JSON files that are larger than the memory, read entry by entry."""

from collections.abc import Iterator
from typing import Any

from builder.datasets.files import Files, opened, place
from builder.datasets.value import Place, Value


def top_keys(files: Files, name: str) -> Iterator[tuple[str, str]]:
    """Yield the keys of the map in a JSON file, each with the type of its value.

    Types are those of ijson's events, such as `start_array`. Nothing is yielded if the file is not
    JSON or not a map.
    """
    ijson = _ijson(place(files, name))
    key = None
    with opened(files, name) as stream:
        try:
            for prefix, event, value in ijson.parse(stream):
                if key is not None and prefix == key:
                    yield key, event
                    key = None
                elif prefix == "" and event == "map_key":
                    key = value
        except (ijson.JSONError, UnicodeDecodeError):
            return


def entries(files: Files, name: str, *keys: str) -> Iterator[Value]:
    """Yield the entries of a list in a JSON file.

    Args:
        files, name: the file.
        keys: the path of the list in it. Without such a list, nothing is yielded.

    Raises:
        DatasetError: the file is not valid JSON. NaN and Infinity are not.
    """
    where = place(files, name)
    ijson = _ijson(where)
    with opened(files, name) as stream:
        found = ijson.items(stream, ".".join((*keys, "item")), use_float=True)
        for index, entry in enumerate(_checked(found, where)):
            yield Value(entry, Place(where.file, path=(*keys, index)))


def _checked(found: Iterator[Any], where: Place) -> Iterator[Any]:
    """Yield the entries that a parser finds; turn its errors into DatasetError."""
    ijson = _ijson(where)
    try:
        yield from found
    except (ijson.JSONError, UnicodeDecodeError, OverflowError) as error:
        # The parser's message has the reason, the text around the error, and an arrow below it.
        reason, *context = [line.strip() for line in str(error).splitlines()] or ["it is too short"]
        raise where.error(
            f"is not valid JSON: {reason.removeprefix('parse error: ')}",
            context[0] if len(context) > 1 else None,
            allowed="JSON in UTF-8, without NaN and Infinity",
            hint="export or download the file again",
        ) from error


def _ijson(where: Place) -> Any:
    try:
        import ijson
    except ImportError as error:
        raise where.error(
            "is JSON, for which the package ijson is needed",
            hint="install it: pip install 'cvatbuild[evaluate]'",
        ) from error
    return ijson
