"""What is sent to functions of each type, and what is reported. No test measures time."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.diagnostics.errors import BuiltError, CommandLineError
from builder.manifest.variants import VARIANTS, VariantName
from builder.run.bench.benchmark import MIXED, WARM_UP, Benchmark, Workload, measure
from builder.run.bench.pictures import RATIOS, Picture
from builder.run.predict.prediction import Prompts
from tests.builder.conftest import png
from tests.paths import ROOT

PICTURE = Picture("photo.png", png(160, 120), 160, 120)


class Shown:
    """A counter that remembers what it shows."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def show(self, done: int, total: int, stored: int = 0) -> None:
        self.seen.append((done, total))

    def close(self) -> None:
        pass


def measured(
    folder: Path, variant: VariantName, *, mix: bool = False, prompts: Prompts | None = None
) -> Benchmark:
    workload = Workload([PICTURE], prompts or Prompts(), 2, mix)
    return measure(folder, variant, workload, Shown())


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_detector_is_measured_on_the_image_and_on_mixed_sizes(
    built_once: Path, variant: VariantName
) -> None:
    counter = Shown()
    workload = Workload([PICTURE, PICTURE], Prompts(), 3, mix=True)
    found = measure(built_once, variant, workload, counter)
    assert found.variant == variant
    assert found.device.startswith("OpenVINO " if variant == "cpu" else "ONNX Runtime ")
    assert [run.image for run in found.runs] == ["photo.png", "photo.png", MIXED]
    assert [len(run.sizes) for run in found.runs] == [1, 1, len(RATIOS)]
    for run, requests in zip(found.runs, (3, 3, len(RATIOS)), strict=True):
        (timing,) = run.timings
        assert (timing.name, timing.requests) == ("request", requests)
        assert " ".join(timing.stages) == (
            "base64 image decode preprocess inference decode refine shapes serialize other"
        )
        assert all(spread.median <= spread.p95 for spread in timing.stages.values())
    sent = 2 * (WARM_UP + 3) + (WARM_UP + 1) * len(RATIOS)
    assert counter.seen == [(number + 1, sent) for number in range(sent)]


def test_a_benchmark_as_json_has_one_line_per_image(built_once: Path) -> None:
    found = measured(built_once, "cpu", mix=True)
    lines = [json.loads(line) for line in found.as_json()]
    assert [line["image"] for line in lines] == ["photo.png", MIXED]
    assert lines[0]["sizes"] == [[160, 120]]
    assert lines[0]["requests_ms"]["request"]["requests"] == 2
    assert set(lines[0]["requests_ms"]["request"]["total"]) == {"median", "p95"}
    assert lines[0]["gpu_mib"] is None
    text = found.as_text()
    assert "\n  photo.png 160x120, 2 requests\n" in text
    assert f"\n  {len(RATIOS)} mixed sizes, {len(RATIOS)} requests\n" in text


def example(build_from: Callable[[str], Path], name: str) -> Path:
    """Build an example manifest of the repository."""
    text = (ROOT / "manifests" / f"{name}.yaml").read_text()
    return build_from(text.replace("models/", f"{ROOT / 'manifests' / 'models'}/"))


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_first_click_of_an_interactor_runs_the_encoder(
    build_from: Callable[[str], Path], variant: VariantName
) -> None:
    found = measured(example(build_from, "sam-demo"), variant)
    first, further = found.runs[0].timings
    assert (first.name, first.requests) == ("first click", 2)
    assert (further.name, further.requests) == ("further click", 2)
    # The median is above 0 only if all requests have the stage.
    assert first.stages["inference"].median > 0
    assert "inference" not in further.stages
    assert further.stages["decoder inference"].median > 0


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_tracker_is_measured_on_two_frames(
    build_from: Callable[[str], Path], variant: VariantName
) -> None:
    found = measured(example(build_from, "tracker-demo"), variant, mix=True)
    (run,) = found.runs
    assert [timing.name for timing in run.timings] == ["first frame", "next frame"]
    assert "inference" not in run.timings[0].stages
    assert run.timings[1].stages["inference"].median > 0


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_reid_is_measured_on_two_frames_with_boxes(
    build_from: Callable[[str], Path], variant: VariantName, tmp_path: Path
) -> None:
    file = tmp_path / "boxes.json"
    file.write_text("[[[0, 0, 40, 40]], [[0, 0, 40, 40]]]")
    for prompts in (Prompts(), Prompts(boxes=file)):
        found = measured(example(build_from, "reid-demo"), variant, prompts=prompts)
        (timing,) = found.runs[0].timings
        assert timing.stages["crop inference"].median > 0
        assert timing.stages["match"].median > 0


def test_prompts_that_the_type_does_not_take_are_refused(built_once: Path) -> None:
    with pytest.raises(CommandLineError, match="--pos"):
        measured(built_once, "cpu", prompts=Prompts(pos=((1, 1),)))


def test_a_refused_request_is_an_error(built_once: Path) -> None:
    with pytest.raises(BuiltError, match=r"photo\.png: HTTP 400: .*threshold"):
        measured(built_once, "cpu", prompts=Prompts(threshold=7.0))
