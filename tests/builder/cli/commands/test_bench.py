import json
from pathlib import Path

import pytest

from builder.run.bench import benchmark
from tests.builder.cli.invoke import invoke
from tests.builder.conftest import png


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """No machine has a GPU here, so that all machines print the same."""

    def missing(variant: str) -> str:
        return "" if variant == "cpu" else "this machine has no CUDA device"

    monkeypatch.setattr(benchmark, "missing_device", missing)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    file = tmp_path / "photo.png"
    file.write_bytes(png())
    return file


def test_bench_prints_tables_and_skips_a_variant_without_its_device(
    built_once: Path, image: Path
) -> None:
    status, out, err = invoke("bench", built_once, image, "--repeat", "2", "--no-mixed")
    assert status == 0
    assert out.startswith(f"{built_once}: cpu, OpenVINO ")
    assert f"{image} 128x128, 2 requests" in out
    assert "mixed" not in out
    assert err == (
        "the gpu variant is not measured: this machine has no CUDA device; "
        "--variant gpu measures it on the CPU\n"
    )


@pytest.mark.slow
def test_bench_measures_both_variants_on_the_cpu_when_asked(
    built_once: Path, image: Path, tmp_path: Path
) -> None:
    plot = tmp_path / "times.png"
    variants = ("--variant", "cpu", "--variant", "gpu")
    arguments = (*variants, "--repeat", "1", "--json", "--plot", plot)
    status, out, err = invoke("bench", built_once, image, *arguments)
    assert status == 0
    assert err.startswith("warning: running on the CPU: this machine has no CUDA device\n")
    assert err.endswith(f"drawn: {plot}\n")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["variant"], line["image"]) for line in lines] == [
        ("cpu", str(image)),
        ("cpu", "mixed sizes"),
        ("gpu", str(image)),
        ("gpu", "mixed sizes"),
    ]
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_bench_without_an_image_or_a_function(
    built_once: Path, image: Path, tmp_path: Path
) -> None:
    assert invoke("bench", built_once)[0] == 2
    status, out, err = invoke("bench", built_once, tmp_path / "absent.png")
    assert (status, out) == (2, "")
    assert "absent.png" in err
    (tmp_path / "broken.png").write_text("text")
    status, out, err = invoke("bench", built_once, tmp_path / "broken.png")
    assert (status, out) == (2, "")
    assert "broken.png" in err
    status, out, err = invoke("bench", tmp_path, image)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert invoke("bench", built_once, image, "--repeat", "0")[0] == 2


def test_bench_checks_the_picture_before_the_first_request(
    built_once: Path, image: Path, tmp_path: Path
) -> None:
    (tmp_path / "folder.png").mkdir()
    for name, expected in (
        ("x.svg", "allowed: a file name with .png"),
        ("x", "allowed: a file name with .png"),
        ("folder.png", "is a directory"),
        ("photo.png/x.png", "cannot be created"),
    ):
        status, out, err = invoke("bench", built_once, image, "--plot", tmp_path / name)
        assert (status, out) == (2, "")
        assert expected in err


@pytest.mark.slow
def test_bench_creates_the_directory_of_the_picture(
    built_once: Path, image: Path, tmp_path: Path
) -> None:
    plot = tmp_path / "new" / "times.png"
    arguments = ("--repeat", "1", "--no-mixed", "--plot", plot)
    assert invoke("bench", built_once, image, *arguments)[0] == 0
    assert plot.read_bytes().startswith(b"\x89PNG")
