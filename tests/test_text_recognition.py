"""Text detectors with a second model that reads the lines, from manifest to reply."""

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image, ImageDraw, ImageFont

from builder.diagnostics.errors import CvatbuildError
from builder.families.init import draft_manifest
from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.run.judge.detector import judge
from builder.run.predict import predict
from builder.run.predict.prediction import Prompts
from builder.targets.build import build
from runtimes.arrays import Array
from tests.grids import grid
from tests.local_function import LocalFunction
from tests.paths import ROOT
from tests.zoo.maps import dbnet

MANIFEST = """
name: lines
type: detector
model: detector.onnx
labels: [text]
preprocess: [{resize_multiple: 64}]
postprocess: [dbnet, polygon]
then:
  - model: reader.onnx
    crop: oriented
    preprocess: [resize_height, normalize]
    postprocess:
      - text_attribute: {attribute: text, characters: CHARACTERS}
"""


def reader(path: Path, metadata: str = "") -> None:
    """A recognizer of colors: `r`, `g` and `b` for 8 columns of red, green and blue.

    [n, 3, 16, w] -> [n, w / 8, 4], the Softmax over the blank and the mean of each channel.
    """
    nodes = [
        helper.make_node("AveragePool", ["x"], ["mean"], kernel_shape=[16, 8], strides=[16, 8]),
        helper.make_node("Squeeze", ["mean", "two"], ["flat"]),
        helper.make_node("Transpose", ["flat"], ["steps"], perm=[0, 2, 1]),
        helper.make_node("Pad", ["steps", "before", "blank"], ["scores"]),
        helper.make_node("Mul", ["scores", "sharp"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["read"], axis=2),
    ]
    known: dict[str, Array] = {
        "two": np.array([2], np.int64),
        "before": np.array([0, 0, 1, 0, 0, 0], np.int64),
        "blank": np.array(0.6, np.float32),
        "sharp": np.array(20, np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "reader",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 16, "w"])],
        [helper.make_tensor_value_info("read", TensorProto.FLOAT, ["n", "t", 4])],
        [onnx.numpy_helper.from_array(values, name) for name, values in known.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    if metadata:
        helper.set_model_props(model, {"character": metadata})
    onnx.checker.check_model(model)
    onnx.save_model(model, path)


def colored(*colors: tuple[int, int, int]) -> bytes:
    """64 by 64 pixels in vertical stripes of the given colors, red green blue."""
    width = -(-64 // len(colors))
    stripes = np.repeat(np.array(colors, np.uint8)[:, ::-1], width, axis=0)[:64]
    _, data = cv2.imencode(".png", np.repeat(stripes[None], 64, axis=0))
    return data.tobytes()


RED, GREEN, BLUE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)


def built(folder: Path, characters: str) -> Path:
    dbnet(folder / "detector.onnx")
    (folder / "lines.yaml").write_text(MANIFEST.replace("CHARACTERS", characters))
    return build(plan(folder / "lines.yaml"), folder / "build", force=False).folder


@grid(
    (
        ("colors", "text"),
        [
            ((RED, GREEN, BLUE), "rgb"),
            ((RED, BLACK, RED), "rr"),
            ((BLUE, BLUE, GREEN), "bg"),
            ((BLACK, BLACK), None),
        ],
    ),
    ("variant", VARIANTS),
    pairs=False,
)
def test_each_line_gets_its_text(
    tmp_path: Path,
    variant: VariantName,
    colors: tuple[tuple[int, int, int], ...],
    text: str | None,
) -> None:
    reader(tmp_path / "reader.onnx")
    function = LocalFunction(built(tmp_path, "[r, g, b]"), variant)
    items = function(colored(*colors)).body
    assert judge(items, function.labels) == []
    (item,) = items
    attributes = [{"name": "text", "value": text}] if text else None
    assert item.get("attributes") == attributes
    (declared,) = function.labels[0]["attributes"]
    assert (declared["name"], declared["input_type"]) == ("text", "text")


@pytest.mark.parametrize("source", ["file", "metadata"])
def test_characters_come_from_a_file_or_from_the_model(tmp_path: Path, source: str) -> None:
    reader(tmp_path / "reader.onnx", metadata="x\ny\nz" if source == "metadata" else "")
    (tmp_path / "names.txt").write_text("x\r\ny\r\nz\r\n", "utf-8")
    folder = built(tmp_path, "metadata" if source == "metadata" else "names.txt")
    (item,) = LocalFunction(folder, "cpu")(colored(RED, GREEN, BLUE)).body
    assert item["attributes"] == [{"name": "text", "value": "xyz"}]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a\n\nc\n", "line 2 is empty"),
        (b"a\nb\n\xff\n", "is not UTF-8"),
        (b"\x00\x01\x02", "is not a text file"),
        (b"a\nb\nc\nd\ne\n", "5 characters"),
        (None, "there is no file"),
    ],
)
def test_an_unusable_file_of_characters_is_refused(
    tmp_path: Path, data: bytes | None, message: str
) -> None:
    reader(tmp_path / "reader.onnx")
    if data is not None:
        (tmp_path / "names.txt").write_bytes(data)
    with pytest.raises(CvatbuildError, match=message) as caught:
        built(tmp_path, "names.txt")
    (problem,) = caught.value.problems
    assert problem.place.startswith("then[0].postprocess[0]")
    assert problem.place.endswith("characters")


@grid(("swapped", [False, True]), ("variant", VARIANTS), pairs=False)
def test_init_drafts_a_text_detector_with_its_recognizer(
    tmp_path: Path, variant: VariantName, swapped: bool
) -> None:
    dbnet(tmp_path / "ocr-det.onnx")
    reader(tmp_path / "ocr-rec.onnx", metadata="r\ng\nb")
    files = [tmp_path / "ocr-det.onnx", tmp_path / "ocr-rec.onnx"]
    draft = draft_manifest(files[::-1] if swapped else files, tmp_path)
    assert draft.ranking.sureness == "sure"
    assert draft.notes == ()
    # The recognizer of colors differs from PP-OCR's in its input format.
    before, _, after = draft.text.rpartition("normalize: {mean: [0.5], std: [0.5]}")
    text = f"{before}normalize{after}".replace("- channels: bgr", "- channels: rgb")
    (tmp_path / "ocr.yaml").write_text(text)
    folder = build(plan(tmp_path / "ocr.yaml"), tmp_path / "build", force=False).folder
    function = LocalFunction(folder, variant)
    (tmp_path / "line.png").write_bytes(colored(RED, GREEN, BLUE))
    (prediction,) = predict(function, [tmp_path / "line.png"], Prompts(), None)
    assert prediction.as_table().endswith("  text: rgb")


def test_init_asks_for_the_characters_that_a_recognizer_lacks(tmp_path: Path) -> None:
    dbnet(tmp_path / "det.onnx")
    reader(tmp_path / "rec.onnx")
    draft = draft_manifest([tmp_path / "det.onnx", tmp_path / "rec.onnx"], tmp_path)
    assert "- text_attribute: {attribute: text, characters: characters.txt}" in draft.text
    assert "write the characters" in draft.text
    (tmp_path / "ocr.yaml").write_text(draft.text)
    with pytest.raises(CvatbuildError, match="there is no file"):
        plan(tmp_path / "ocr.yaml")


def test_two_text_detectors_are_no_pair(tmp_path: Path) -> None:
    dbnet(tmp_path / "one.onnx")
    dbnet(tmp_path / "other.onnx")
    with pytest.raises(CvatbuildError):
        draft_manifest([tmp_path / "one.onnx", tmp_path / "other.onnx"], tmp_path)


PAGES = (
    (
        "Invoice No. 48213 of 2 March 2021",
        "Twelve boxes of copper wire, grade B",
        "Delivered to Station Road 17, Leeds",
        "Total amount due: 1,394.50 EUR",
        "Please pay within thirty days",
    ),
    (
        "The quick brown fox jumps over",
        "the lazy dog and runs away",
        "Pack my box with five dozen jugs",
        "How vexingly quick daft zebras jump",
        "Sphinx of black quartz judge my vow",
    ),
    (
        "Chapter 3: Measuring temperature",
        "A sensor reads 21.7 degrees at noon",
        "and 14.2 degrees in the evening",
        "Store both values in column D",
        "See table 9 on page 126",
    ),
)
"""Lines of text for three pages."""


def page(lines: tuple[str, ...], degrees: float) -> bytes:
    """A page of printed text, turned clockwise."""
    paper = Image.new("RGB", (900, 640), (250, 248, 240))
    pen = ImageDraw.Draw(paper)
    font = ImageFont.load_default(36)
    for number, text in enumerate(lines):
        pen.text((80, 90 + 100 * number), text, (20, 20, 30), font)
    turned = paper.rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=(250, 248, 240))
    stream = BytesIO()
    turned.save(stream, "PNG")
    return stream.getvalue()


def edits(one: str, other: str) -> int:
    """The number of insertions, deletions and replacements between two texts (Levenshtein)."""
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            same = before + (left != right)
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, same)
    return row[-1]


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_pp_ocr_reads_drawn_pages_with_few_wrong_characters(
    tmp_path: Path, variant: VariantName
) -> None:
    """With real weights: PP-OCRv4's detector and recognizer from the wheel of RapidOCR."""
    manifest = ROOT / "manifests" / "text.yaml"
    folder = build(plan(manifest), tmp_path / "build", force=False).folder
    function = LocalFunction(folder, variant)
    wrong = total = 0
    for lines, degrees in zip(PAGES, (0, 4, -7), strict=True):
        items = function(page(lines, degrees)).body
        assert judge(items, function.labels) == []
        assert len(items) == len(lines)
        items.sort(key=lambda item: sum(item["points"][1::2]))
        for item, text in zip(items, lines, strict=True):
            read = "".join(it["value"] for it in item["attributes"])
            wrong += edits(read, text)
            total += len(text)
    assert wrong / total < 0.05
