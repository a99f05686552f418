"""The example tracker: requests of CVAT 2.15, 2.40 and 2.73, and `cvatbuild predict`."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from builder.cli.app import app
from builder.run.judge.tracker import judge
from builder.run.process import FunctionProcess
from tests.paths import ROOT
from tests.runtimes.trackers import correlators

MANIFEST = ROOT / "manifests" / "tracker-demo.yaml"


@pytest.fixture(scope="module")
def folder(build_from: Callable[[str], Path]) -> Path:
    text = MANIFEST.read_text("utf-8")
    return build_from(text.replace("models/", f"{MANIFEST.parent}/models/"))


@pytest.fixture(scope="module")
def function(folder: Path) -> Iterator[FunctionProcess]:
    with FunctionProcess(folder, "cpu") as started:
        yield started


def png(frame: Any) -> bytes:
    return bytes(cv2.imencode(".png", frame)[1].tobytes())


@pytest.mark.parametrize("version", ["2.15", pytest.param("2.40", marks=pytest.mark.slow), "2.73"])
def test_each_cvat_version_gets_its_own_form(function: FunctionProcess, version: str) -> None:
    declared = version == "2.73"
    assert function.annotations["supported_shape_types"] == "rectangle,polygon,mask"
    shapes: list[Any] = []
    states: list[Any] = []
    for number, (frame, box) in enumerate(correlators.film(5)):
        if not number:
            points = box.tolist()
            shapes = [{"type": "rectangle", "points": points} if declared else points]
        reply = function(png(frame), shapes=shapes, states=states).raise_for_status().body
        assert judge(reply, ["rectangle"], declared=declared) == []
        found = reply["shapes"][0]["points"] if declared else reply["shapes"][0]
        np.testing.assert_allclose(found, box, atol=4)
        states = json.loads(json.dumps(reply["states"]))
        # Servers that declare types send null on continuation, the others the last shapes again.
        shapes = [None] if declared else reply["shapes"]


def test_bad_states_get_400_with_a_reason(function: FunctionProcess) -> None:
    ((frame, _),) = correlators.film(1)
    for state in ("text", {}, {"version": 1}, [1]):
        reply = function(png(frame), shapes=[None], states=[state])
        assert reply.status == 400
        assert "states[0]" in reply.body["error"]


@pytest.mark.slow
@pytest.mark.parametrize("video", [False, True])
def test_predict_draws_the_track_on_every_frame(folder: Path, tmp_path: Path, video: bool) -> None:
    frames = list(correlators.film(4))
    files = [tmp_path / f"frame{number}.png" for number in range(4)]
    if video:
        files = [tmp_path / "film.avi"]
        # OpenCV ends the process on a name that is not UTF-8.
        named = tmp_path / "film\udcff.avi"
        writer = cv2.VideoWriter(str(files[0]), cv2.VideoWriter.fourcc(*"MJPG"), 10, (480, 360))
        for frame, _ in frames:
            writer.write(frame)
        writer.release()
        files = [files[0].rename(named)]
    else:
        for file, (frame, _) in zip(files, frames, strict=True):
            file.write_bytes(png(frame))
    box = ",".join(str(round(it)) for it in frames[0][1])
    out = tmp_path / "out"
    arguments = ["predict", str(folder), *map(str, files), "--box", box, "--save", str(out)]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    replies = [json.loads(it) for it in done.stdout.splitlines() if it.startswith("{")]
    assert len(replies) == len(list(out.glob("*.png"))) == 4
    last = replies[-1]["reply"]["shapes"][0]["points"]
    np.testing.assert_allclose(last, frames[-1][1], atol=5)
