"""Layers in front of an OpenVINO IR, compared with loops over pixels."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import openvino
import pytest

from builder.model.pixel_layers import with_pixel_layers
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.signature import LayoutName, Tensor
from tests.builder.model.pixel_values import CHANGES, echo, given, looped, operations_of, picture
from tests.grids import grid


def write_ir(
    folder: Path, layout: LayoutName, *, dtype: str = "float32", is_open: bool = False
) -> Path:
    """An IR that returns its input; `folder`/model.xml."""
    source = echo(folder / "source.onnx", layout, dtype=dtype, is_open=is_open)
    openvino.save_model(
        openvino.Core().read_model(source), folder / "model.xml", compress_to_fp16=False
    )
    return folder / "model.xml"


def check(
    folder: Path,
    layout: LayoutName,
    change: str,
    *,
    dtype: str = "float32",
    is_open: bool = False,
) -> None:
    """The values are those of the loop, within the rounding of their type."""
    net = write_ir(folder, layout, dtype=dtype, is_open=is_open)
    pixels, operations = operations_of("images", layout, change, dtype=dtype, is_open=is_open)
    weights = net.with_suffix(".bin")
    content, appended = with_pixel_layers(
        net.read_bytes(), weights.stat().st_size, pixels, operations
    )
    net.write_bytes(content)
    weights.write_bytes(weights.read_bytes() + appended)
    session = OpenVino().open(net)
    assert session.signature.inputs == (pixels,)
    seen = session.run({"images": given(picture(), layout)})["seen"]
    tolerance = 1e-3 if dtype == "float16" else 1e-6
    np.testing.assert_allclose(
        seen, looped(picture(), change, layout), rtol=tolerance, atol=tolerance
    )


@grid(
    ("layout", ["nchw", "nhwc", "chw", "hwc"]),
    ("change", [it for it in CHANGES if it != "none"]),
    ("dtype", ["float32", "float16"]),
)
def test_values_are_those_of_a_loop(
    layout: LayoutName, change: str, dtype: str, tmp_path: Path
) -> None:
    check(tmp_path, layout, change, dtype=dtype)


@pytest.mark.parametrize("change", ["none", "0 to 1", "ImageNet"])
def test_open_sizes(change: str, tmp_path: Path) -> None:
    check(tmp_path, "nchw", change, is_open=True)


def test_a_layout_that_the_file_declares_is_dropped(tmp_path: Path) -> None:
    source = echo(tmp_path / "source.onnx", "nchw")
    model = openvino.Core().read_model(source)
    model.get_parameters()[0].set_layout(openvino.Layout("NCHW"))
    openvino.save_model(model, tmp_path / "model.xml", compress_to_fp16=False)
    net = (tmp_path / "model.xml").read_bytes()
    assert b"NCHW" in net or b"N,C,H,W" in net
    pixels, operations = operations_of("images", "nchw", "0 to 1")
    content, _ = with_pixel_layers(net, 0, pixels, operations)
    (image,) = ElementTree.fromstring(content).iterfind("layers/layer[@type='Parameter']")
    assert not list(image.iter("rt_info"))


def test_constants_begin_at_a_multiple_of_64_bytes(tmp_path: Path) -> None:
    net = write_ir(tmp_path, "nchw").read_bytes()
    pixels, operations = operations_of("images", "nchw", "ImageNet")
    content, appended = with_pixel_layers(net, 100, pixels, operations)
    constants = [
        (int(it.get("offset", "")), int(it.get("size", "")))
        for it in ElementTree.fromstring(content).iterfind("layers/layer[@type='Const']/data")
    ]
    # Factors and offsets of a row of five pixels, and the order of four axes.
    assert [size for _, size in constants[-3:]] == [60, 60, 32]
    assert all(offset % 64 == 0 for offset, _ in constants[-3:])
    assert constants[-3][0] == 128
    assert constants[-1][0] + 32 == 100 + len(appended)


def test_an_input_that_does_not_exist(tmp_path: Path) -> None:
    net = write_ir(tmp_path, "nchw").read_bytes()
    with pytest.raises(ValueError, match="the IR has no input called 'none'"):
        with_pixel_layers(net, 0, Tensor("none", (1, 3, 5, 3), "uint8"), ())
