from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from builder.diagnostics.errors import BuiltError
from builder.run.bench.benchmark import Benchmark, Run
from builder.run.bench.chart import COLORS, color_of, draw, save, ticks
from builder.run.bench.timings import STAGES, Sample, Timing


def benchmark(**stages: float) -> Benchmark:
    sample = Sample(stages, sum(stages.values()))
    run = Run("a.jpg", ((640, 480),), (Timing.of("request", [sample]),))
    return Benchmark("build/x", "cpu", "X 1 on CPU", 1.0, 5.0, 100.0, None, (run,))


def test_every_stage_has_a_color_of_its_own() -> None:
    assert set(COLORS) == set(STAGES)
    assert len(set(COLORS.values())) == len(STAGES)


def lengths(picture: object, stage: str) -> list[int]:
    """The lengths of the longest horizontal run of a stage's color in each row with one."""
    hits = (np.asarray(picture) == color_of(stage)).all(axis=2)
    return [int(row.sum()) for row in hits if row.sum() > 40]


def test_the_length_of_a_part_is_its_share_of_the_time() -> None:
    picture = draw([benchmark(inference=30.0, masks=10.0), benchmark(inference=15.0)])
    long, short = sorted(set(lengths(picture, "inference")), reverse=True)
    (masks,) = set(lengths(picture, "masks"))
    assert long == pytest.approx(3 * masks, abs=3)
    assert long == pytest.approx(2 * short, abs=3)


@pytest.mark.parametrize(
    ("longest", "expected"),
    [
        (6.0, [0, 1, 2, 3, 4, 5, 6]),
        (10.0, [0, 2, 4, 6, 8, 10]),
        (0.7, [0, 0.2, 0.4, 0.6]),
        (956.0, [0, 200, 400, 600, 800]),
    ],
)
def test_ticks_are_round_numbers(longest: float, expected: list[float]) -> None:
    assert ticks(longest) == pytest.approx(expected)


def test_a_caption_says_that_the_gpu_variant_ran_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[str] = []

    def write(_: object, text: str, *__: object, **___: object) -> None:
        written.append(text)

    monkeypatch.setattr("builder.run.bench.chart._write", write)
    one = benchmark(inference=1.0)
    draw([one, replace(one, variant="gpu"), replace(one, variant="gpu", device="X 1 on CUDA, CPU")])
    captions = [it for it in written if "a.jpg" in it]
    assert captions == [
        "cpu, a.jpg 640x480",
        "gpu on the CPU, a.jpg 640x480",
        "gpu, a.jpg 640x480",
    ]


def test_a_picture_is_saved_as_png(tmp_path: Path) -> None:
    save([benchmark(inference=1.0)], tmp_path / "a.png")
    saved = cv2.imread(str(tmp_path / "a.png"))
    assert saved is not None
    assert (saved == draw([benchmark(inference=1.0)])).all()


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BuiltError, match="cannot be written"):
        save([benchmark(inference=1.0)], tmp_path / "absent" / "a.png")
