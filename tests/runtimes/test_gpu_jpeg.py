"""Decoding on the GPU, with a double of nvImageCodec that decodes with OpenCV."""

import os
import sys
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from runtimes import gpu_jpeg, jpeg
from runtimes.arrays import Array
from runtimes.image import pixels
from tests.runtimes.test_jpeg import NOT_PLAIN, PLAIN, by_opencv, file, photo


class Params:
    """nvimgcodec.DecodeParams of version 0.9.0, with the names of its arguments."""

    def __init__(
        self,
        apply_exif_orientation: bool = True,
        color_spec: str = "SRGB",
        allow_any_depth: bool = False,
        sample_format: str = "I_AUTO_COMPONENTS",
    ) -> None:
        assert not apply_exif_orientation
        assert not allow_any_depth
        self.color_spec, self.sample_format = color_spec, sample_format


class Image:
    """nvimgcodec.Image; `__array__` of its copy in the CPU's memory gives the pixels."""

    def __init__(self, values: Array) -> None:
        self._values = values

    def cpu(self) -> Array:
        return self._values


class Library:
    """Replaces the package. The real one decodes in the same way without a GPU, with
    `Decoder(device_id=NVIMGCODEC_DEVICE_CPU_ONLY)`; its wheels are too large for tests."""

    ColorSpec = SimpleNamespace(SRGB="SRGB")
    SampleFormat = SimpleNamespace(I_BGR="I_BGR")
    DecodeParams = Params

    def __init__(self) -> None:
        self.decoded = 0
        self.failure: Exception | None = None
        self.result: Any = ...

    def Decoder(self) -> Any:  # noqa: N802
        return SimpleNamespace(decode=self._decode)

    def _decode(self, data: bytes, *, params: Params) -> Any:
        assert (params.color_spec, params.sample_format) == ("SRGB", "I_BGR")
        self.decoded += 1
        if self.failure is not None:
            raise self.failure
        return Image(by_opencv(data)) if self.result is ... else self.result


@pytest.fixture(autouse=True)
def _stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_jpeg._Process, "decoder", None)
    monkeypatch.setattr(gpu_jpeg._Process, "is_started", False)
    monkeypatch.delenv("PYNVIMGCODEC_VERBOSITY", raising=False)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    found = Library()
    packages = {"nvidia.nvimgcodec": found}
    monkeypatch.setattr(gpu_jpeg, "importlib", SimpleNamespace(import_module=packages.__getitem__))
    return found


def test_nothing_is_decoded_on_the_gpu_before_the_start(library: Library) -> None:
    assert gpu_jpeg.decode(PLAIN) is None
    assert library.decoded == 0


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_plain_files_are_decoded_on_the_gpu(
    library: Library, subsampling: int, progressive: bool
) -> None:
    assert gpu_jpeg.start()
    data = file(photo(33, 47), subsampling=subsampling, progressive=progressive)
    library.decoded = 0
    assert (pixels(data) == by_opencv(data)).all()
    assert library.decoded == 1


@pytest.mark.parametrize(
    "options",
    [
        {"restart_marker_blocks": 2},
        {"icc_profile": b"\xff\xd9" * 40},
        {"comment": b"text \xff\xda\xff\xd9"},
        {"optimize": True, "progressive": True},
    ],
)
def test_other_segments_do_not_matter(library: Library, options: dict[str, Any]) -> None:
    assert gpu_jpeg.start()
    data = file(photo(40, 50), **options)
    found = gpu_jpeg.decode(data)
    assert found is not None
    assert (found == by_opencv(data)).all()


MORE = {
    "extended": PLAIN.replace(b"\xff\xc0", b"\xff\xc1", 1),
    "data behind the end": PLAIN + b"more",
    "a second image": PLAIN + PLAIN,
    "an unexpected segment": PLAIN[:-2] + b"\xff\xe1\x00\x02" + PLAIN[-2:],
}


@pytest.mark.parametrize("name", [*NOT_PLAIN, *MORE])
def test_everything_else_is_left_to_the_cpu(library: Library, name: str) -> None:
    assert gpu_jpeg.start()
    library.decoded = 0
    assert gpu_jpeg.decode({**NOT_PLAIN, **MORE}[name]) is None
    assert library.decoded == 0


@pytest.mark.parametrize("failure", [RuntimeError("CUDA out of memory"), ValueError("format")])
def test_the_cpu_decodes_what_the_gpu_cannot(library: Library, failure: Exception) -> None:
    assert gpu_jpeg.start()
    library.failure = failure
    assert (pixels(PLAIN) == by_opencv(PLAIN)).all()


@pytest.mark.parametrize("result", [None, SimpleNamespace(cpu=lambda: None)])
def test_the_cpu_decodes_if_the_library_returns_nothing(library: Library, result: object) -> None:
    assert gpu_jpeg.start()
    library.result = result
    assert (pixels(PLAIN) == by_opencv(PLAIN)).all()


def test_a_decoder_with_swapped_channels_is_not_used(library: Library) -> None:
    # As if the sample format had no effect.
    _, wanted = gpu_jpeg._example()
    library.result = Image(np.ascontiguousarray(wanted[:, :, ::-1]))
    assert not gpu_jpeg.start()


def test_a_difference_of_one_is_accepted_at_the_start(library: Library) -> None:
    _, wanted = gpu_jpeg._example()
    library.result = Image(np.where(wanted < 255, wanted + 1, wanted))
    assert gpu_jpeg.start()


def test_without_the_package_the_cpu_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nvidia.nvimgcodec", None)
    assert not gpu_jpeg.start()
    assert (pixels(PLAIN) == by_opencv(PLAIN)).all()


def test_without_a_gpu_the_cpu_decodes(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise RuntimeError("CUDA Runtime failure: '#35'")

    monkeypatch.setattr(library, "Decoder", refused)
    assert not gpu_jpeg.start()


def test_the_library_is_loaded_once_and_silently(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    calls: list[str] = []

    def imported(name: str) -> Library:
        calls.append(name)
        os.write(2, b"Failed to load nvtiff library!\n")
        return Library()

    monkeypatch.setattr(gpu_jpeg, "importlib", SimpleNamespace(import_module=imported))
    assert gpu_jpeg.start()
    assert gpu_jpeg.start()
    os.write(2, b"visible\n")
    assert calls == ["nvidia.nvimgcodec"]
    assert capfd.readouterr().err == "visible\n"


def test_the_limit_of_pixels_holds(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpu_jpeg.start()
    monkeypatch.setenv(jpeg.PIXEL_LIMIT, "3071")  # 48 x 64 is one more
    assert gpu_jpeg.decode(PLAIN) is None


def test_the_real_package_decodes_the_same_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    real = pytest.importorskip("nvidia.nvimgcodec")
    on_cpu = {
        "device_id": real.NVIMGCODEC_DEVICE_CPU_ONLY,
        "backends": [real.Backend(real.BackendKind.CPU_ONLY)],
    }
    library = SimpleNamespace(
        Decoder=lambda: real.Decoder(**on_cpu),
        DecodeParams=real.DecodeParams,
        ColorSpec=real.ColorSpec,
        SampleFormat=real.SampleFormat,
    )
    monkeypatch.setattr(gpu_jpeg, "importlib", SimpleNamespace(import_module=lambda _: library))
    assert gpu_jpeg.start()
    for size in ((1, 1), (33, 47), (120, 161)):
        data = file(photo(*size))
        found = gpu_jpeg.decode(data)
        assert found is not None
        assert found.flags.writeable
        np.testing.assert_array_equal(found, cv2.imdecode(np.frombuffer(data, np.uint8), 1))
