"""Elements of an XML file, one at a time."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from xml.parsers import expat

from builder.datasets.value import Place, Value
from builder.diagnostics.errors import DatasetError

_CHUNK = 2**16
_DEEPEST = 50


@dataclass(slots=True)
class Element:
    """An XML element.

    Attributes:
        tag: its name.
        attributes: name -> text.
        line: its line in the file, from 1.
        text: its text without that of its children, stripped.
        children: its elements.
    """

    tag: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def value(self, place: Place) -> Value:
        """Return the attributes as a value of a file."""
        return Value(self.attributes, Place(place.file, self.line))

    def below(self, tag: str) -> Iterator["Element"]:
        """Yield the elements with a tag at any depth, in order."""
        for child in self.children:
            if child.tag == tag:
                yield child
            yield from child.below(tag)

    def child_text(self, tag: str) -> str:
        """Return the text of the first child with a tag; empty if there is none."""
        return next((child.text for child in self.children if child.tag == tag), "")

    def plain(self) -> list[Any]:
        """Return lists and dictionaries from which `restored` makes the same element."""
        children = [child.plain() for child in self.children]
        return [self.tag, self.attributes, self.line, self.text, children]


def restored(plain: list[Any]) -> Element:
    """Return the element that Element.plain described."""
    tag, attributes, line, text, children = plain
    return Element(tag, attributes, line, text, [restored(child) for child in children])


def elements(stream: BinaryIO, place: Place, split: str) -> Iterator[tuple[Element, Element]]:
    """Yield the elements in the root of an XML file, each with its parent, in order.

    Only one of them is in memory at a time.

    Args:
        stream: the file.
        place: its location, for messages.
        split: tag of elements in the root whose children are yielded in their place. The parent of
            those has their tag and attributes.

    Raises:
        DatasetError: it is not XML, or it has a document type, which could define entities.
    """
    builder = _Builder(place, split)
    while True:
        data = stream.read(_CHUNK)
        try:
            builder.parser.Parse(data, not data)
        except expat.ExpatError as error:
            raise Place(place.file, error.lineno).error(
                f"is not valid XML: {expat.ErrorString(error.code)}",
                hint="export or download the file again",
            ) from error
        except (LookupError, ValueError) as error:
            raise place.error(f"is not valid XML: {error}", hint="save it as UTF-8") from error
        while builder.done:
            yield builder.done.popleft()
        if not data:
            return


class _Builder:
    """Builds elements from the events of the parser."""

    def __init__(self, place: Place, split: str) -> None:
        self.done: deque[tuple[Element, Element]] = deque()
        self._place = place
        self._split = split
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) == _DEEPEST:
            raise self._error("elements are nested too deeply", f"at most {_DEEPEST} levels")
        self._open.append(Element(tag, attributes, self.parser.CurrentLineNumber))
        self._texts.append([])

    def _text(self, text: str) -> None:
        self._texts[-1].append(text)

    def _end(self, _: str) -> None:
        element = self._open.pop()
        element.text = "".join(self._texts.pop()).strip()
        depth = len(self._open)
        if not depth:
            return
        parent = self._open[-1]
        if (depth == 2 and parent.tag == self._split) or (
            depth == 1 and element.tag != self._split
        ):
            self.done.append((element, parent))
        elif depth > 1:
            parent.children.append(element)

    def _refuse(self, *_: object) -> None:
        raise self._error("has a document type declaration", "XML without `<!DOCTYPE` and entities")

    def _error(self, what: str, allowed: str) -> DatasetError:
        return Place(self._place.file, self.parser.CurrentLineNumber).error(what, allowed=allowed)
