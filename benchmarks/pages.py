"""Drawn document pages with the places of their blocks and lines, for benchmarks/package_models.py.

A page has a header, a title, paragraphs in one or two columns, tables, figures with captions, and a
footer. Text is in the font that Pillow brings. Coordinates are pixels of the page.
"""

import random
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "manifests" / "models"))

import shapes

SIZES = ((620, 877), (595, 842), (720, 960), (700, 900), (900, 700), (640, 640))
"""Widths and heights of the pages, in turn."""

WORDS = """
about above after again along among area basis been before being between both case change common
data depth each early effect either energy equal error even every field figure final first flow
form found from general given group half heat high image large later layer left length level light
limit line long many mass mean measure method model more most much near number object often only
order other over page part place plane point power press process range rate ratio result right same
scale second series shape short side single size slow small source space speed state still such
surface system table term than theory there time total under unit until upper value vapor very
volume water wave where which while width work
""".split()  # noqa: SIM905

PHOTOS = shapes.load_photos(shapes.HELD_OUT_PHOTOS)
"""Figures; some are drawn charts instead."""

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2."""


@cache
def font(size: int) -> Any:
    """Return Pillow's font in a size in pixels."""
    return ImageFont.load_default(size)


@dataclass
class Page:
    """A drawn page.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        blocks: label and box of each block.
        lines: the box of each line of text, as high as the font.
    """

    image: Any
    blocks: list[tuple[str, Box]]
    lines: list[Box]


@dataclass
class _Sheet:
    """A page while it is drawn."""

    random: random.Random
    picture: Image.Image
    blocks: list[tuple[str, Box]] = field(default_factory=list)
    lines: list[Box] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start drawing."""
        self.pen = ImageDraw.Draw(self.picture)

    def words(self, count: int) -> str:
        """Return a sentence of some words."""
        return " ".join(self.random.choices(WORDS, k=count)).capitalize()

    def text(self, x: float, y: float, text: str, size: int, ink: int = 20) -> Box:
        """Write a line, and return the box of its ink."""
        self.pen.text((x, y), text, font=font(size), fill=(ink, ink, ink))
        box = self.pen.textbbox((x, y), text, font=font(size))
        ascent, descent = font(size).getmetrics()
        self.lines.append((box[0] - size / 6, y, box[2] + size / 6, y + ascent + descent))
        return box

    def width(self, text: str, size: int) -> float:
        """Return the width of a line."""
        return self.pen.textlength(text, font=font(size))

    def block(self, label: str, boxes: list[Box]) -> Box:
        """Add a block around some boxes, and return its box."""
        corners = np.array(boxes)
        box = (*corners[:, :2].min(axis=0).tolist(), *corners[:, 2:].max(axis=0).tolist())
        self.blocks.append((label, box))
        return box

    def paragraph(self, x: float, y: float, width: float, lines: int, size: int) -> float:
        """Write a paragraph, and return the place below it."""
        boxes = []
        for number in range(lines):
            last = number == lines - 1
            room = width * self.random.uniform(0.3, 0.9) if last else width
            text = self.words(2) if number == 0 else self.random.choice(WORDS)
            while self.width(longer := f"{text} {self.random.choice(WORDS)}", size) < room:
                text = longer
            boxes.append(self.text(x, y + number * size * 1.45, text + "." * last, size))
        return self.block("text", boxes)[3] + size

    def title(self, x: float, y: float, width: float, size: int) -> float:
        """Write a title, and return the place below it."""
        text = self.words(self.random.randint(2, 4))
        while self.width(text, size) > width:
            text = text.rpartition(" ")[0]
        return self.block("title", [self.text(x, y, text, size, ink=0)])[3] + size * 0.7

    def table(self, x: float, y: float, width: float, rows: int, size: int) -> float:
        """Draw a table with a caption above it, and return the place below it."""
        caption = f"Table {self.random.randint(1, 9)}  {self.words(3)}"
        left = x + (width - self.width(caption, size)) / 2
        y = self.block("table_caption", [self.text(left, y, caption, size)])[3] + size * 0.6
        columns, height = self.random.randint(3, 5), size * 1.9
        for row in range(rows + 1):
            thick = 2 if row in (0, 1, rows) else 1
            self.pen.line((x, y + row * height, x + width, y + row * height), (0, 0, 0), thick)
        for column in range(columns + 1) if self.random.random() < 0.7 else ():
            at = x + column * width / columns
            self.pen.line((at, y, at, y + rows * height), (0, 0, 0), 1)
        for row in range(rows):
            for column in range(columns):
                number = f"{self.random.uniform(0, 100):.2f}"
                text = self.random.choice(WORDS) if not row or not column else number
                left, top = x + (column + 0.15) * width / columns, y + (row + 0.2) * height
                self.text(left, top, text, size)
        self.block("table", [(x, y, x + width, y + rows * height)])
        return y + rows * height + size * 1.2

    def figure(self, x: float, y: float, width: float, height: float, size: int) -> float:
        """Draw a photo or a chart with a caption below it, and return the place below that."""
        box = (int(x), int(y), int(x + width), int(y + height))
        if self.random.random() < 0.6:
            photo = self.random.choice(PHOTOS)
            scaled = cv2.resize(np.asarray(photo), (box[2] - box[0], box[3] - box[1]))
            self.picture.paste(Image.fromarray(scaled), box[:2])
        else:
            self._chart(box)
        self.block("figure", [box])
        caption = f"Figure {self.random.randint(1, 9)}  {self.words(3)}"
        left = x + (width - self.width(caption, size)) / 2
        below = self.text(left, box[3] + size * 0.6, caption, size)
        return self.block("figure_caption", [below])[3] + size * 1.2

    def _chart(self, box: tuple[int, int, int, int]) -> None:
        """Draw bars and a curve with axes."""
        x1, y1, x2, y2 = box
        self.pen.rectangle(box, outline=(0, 0, 0))
        count = self.random.randint(5, 9)
        step = (x2 - x1) / count
        tops = [self.random.uniform(y1 + 8, y2 - 8) for _ in range(count)]
        for number, top in enumerate(tops):
            left = x1 + (number + 0.2) * step
            color = tuple(self.random.randint(60, 220) for _ in range(3))
            self.pen.rectangle((left, top, left + 0.6 * step, y2 - 1), fill=color)
        curve = [(x1 + (n + 0.5) * step, (t + y1) / 2) for n, t in enumerate(tops)]
        self.pen.line(curve, (200, 30, 30), 2)


def page(seed: int) -> Page:
    """Draw a page. The same seed gives the same page."""
    width, height = SIZES[seed % len(SIZES)]
    generator = random.Random(seed)  # noqa: S311
    paper = generator.randint(238, 255)
    sheet = _Sheet(generator, Image.new("RGB", (width, height), (paper, paper, paper)))
    size = generator.randint(11, 14)
    margin = int(width * generator.uniform(0.07, 0.11))
    bottom = height - margin
    top = margin * 0.5
    sheet.block("header", [sheet.text(margin, top, sheet.words(5), size - 1)])
    number = str(generator.randint(1, 400))
    sheet.block("footer", [sheet.text(width / 2 - 8, height - margin * 0.7, number, size - 1)])
    top = sheet.title(margin, margin * 1.1, width - 2 * margin, size + generator.randint(8, 12))
    columns = generator.choice((1, 2, 2))
    gap = 1.5 * size
    room = (width - 2 * margin - (columns - 1) * gap) / columns
    for column in range(columns):
        _fill(sheet, margin + column * (room + gap), top, room, bottom, size)
    image = cv2.cvtColor(np.asarray(sheet.picture), cv2.COLOR_RGB2BGR)
    return Page(image, sheet.blocks, sheet.lines)


def _fill(sheet: _Sheet, x: float, y: float, width: float, bottom: float, size: int) -> None:
    """Fill a column with blocks down to the end of the page."""
    while True:
        kind = sheet.random.choices(("text", "title", "figure", "table"), (5, 1, 2, 2))[0]
        left = bottom - y
        if kind == "table" and left > 9 * size * 1.9:
            y = sheet.table(x, y, width, sheet.random.randint(3, 6), size - 1)
        elif kind == "figure" and left > width * 0.6 + 5 * size:
            high = width * sheet.random.uniform(0.35, 0.6)
            y = sheet.figure(x, y, width, high, size - 1)
        elif kind == "title" and left > 8 * size:
            y = sheet.title(x, y, width, size + 3)
        elif left > 4 * size * 1.45:
            lines = min(sheet.random.randint(3, 9), int(left / (size * 1.45)) - 1)
            y = sheet.paragraph(x, y, width, lines, size)
        else:
            return
