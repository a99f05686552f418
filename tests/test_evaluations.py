"""Evaluations of the measures beside boxes, from a dataset on disk to the printed figures."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

from builder.lint.examine import plan
from builder.targets.build import build
from tests.builder.cli.invoke import invoke
from tests.paths import MANIFESTS, ROOT
from tests.scenes import scene

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta><task>'


def built(name: str, folder: Path) -> Path:
    """A built example."""
    return build(plan(MANIFESTS / f"{name}.yaml"), folder, force=False).folder


def write_cvat(folder: Path, labels: Sequence[str], body: str) -> Path:
    """A dataset in the format CVAT for images or for video; the images are in `images`."""
    names = "".join(f"<label><name>{it}</name></label>" for it in labels)
    text = f"{HEAD}<labels>{names}</labels></task></meta>{body}</annotations>"
    (folder / "annotations.xml").write_text(text)
    return folder


def figures(function: Path, dataset: Path, store: Path, *options: str) -> dict[str, Any]:
    """The JSON object of an evaluation."""
    status, out, err = invoke("evaluate", function, dataset, "--json", "--store", store, *options)
    assert status == 0, out + err
    found: dict[str, Any] = json.loads(out)
    return found


def drawn(shapes: ModuleType, folder: Path, count: int = 12) -> list[Any]:
    """Scenes, with their images in `images`."""
    (folder / "images").mkdir()
    scenes = [shapes.scene(shapes.HELD_OUT_SEED + it, width=320, height=240) for it in range(count)]
    for number, one in enumerate(scenes):
        cv2.imwrite(str(folder / "images" / f"{number:02}.png"), one.image)
    return scenes


def test_tags(shapes: ModuleType, tmp_path: Path) -> None:
    body = ""
    for number, one in enumerate(drawn(shapes, tmp_path)):
        kinds = [shapes.CLASS_NAMES[it] for it in np.unique(one.classes)]
        tags = "".join(f'<tag label="{it}" source="manual"></tag>' for it in kinds)
        name = f"{number:02}.png"
        body += f'<image id="{number}" name="{name}" width="320" height="240">{tags}</image>'
    dataset = write_cvat(tmp_path, shapes.CLASS_NAMES, body)
    found = figures(built("tags", tmp_path / "out"), dataset, tmp_path)
    assert found["measure"] == "tags"
    assert found["map"] > 0.9
    assert found["top1"] > 0.9


@pytest.mark.slow
def test_semantic_maps(shapes: ModuleType, tmp_path: Path) -> None:
    body = ""
    for number, one in enumerate(drawn(shapes, tmp_path)):
        polygons = ""
        for kind, points in zip(one.classes.tolist(), one.polygons, strict=True):
            text = ";".join(f"{x:.2f},{y:.2f}" for x, y in points.tolist())
            label = shapes.CLASS_NAMES[kind]
            polygons += f'<polygon label="{label}" points="{text}" z_order="0"></polygon>'
        name = f"{number:02}.png"
        body += f'<image id="{number}" name="{name}" width="320" height="240">{polygons}</image>'
    dataset = write_cvat(tmp_path, shapes.CLASS_NAMES, body)
    function = built("semantic", tmp_path / "out")
    found = figures(function, dataset, tmp_path, "--measure", "semantic")
    assert found["miou"] > 0.75
    assert found["pixel_accuracy"] > 0.97


@pytest.mark.slow
def test_clicks(tmp_path: Path) -> None:
    one = scene()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "scene.png").write_bytes(one.png)
    body = '<image id="0" name="scene.png" width="640" height="480">'
    for name in ("bar", "triangle"):
        (ring, *_), _ = cv2.findContours(
            one.shapes[name].astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
        )
        text = ";".join(f"{x + 0.5},{y + 0.5}" for x, y in np.asarray(ring).reshape(-1, 2))
        body += f'<polygon label="{name}" points="{text}" z_order="0"></polygon>'
    dataset = write_cvat(tmp_path, ("bar", "triangle"), f"{body}</image>")
    found = figures(built("sam-demo", tmp_path / "out"), dataset, tmp_path)
    assert (found["measure"], found["samples"]) == ("clicks", 2)
    assert found["iou1"] > 0.85
    assert found["noc85"] == 1


@pytest.mark.slow
def test_tracks(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    boxes = ""
    for number in range(6):
        image = np.full((200, 300, 3), 128, np.uint8)
        x, y = 100 + 10 * number, 80 + 3 * number
        image[y : y + 40, x : x + 40] = (40, 40, 220)
        cv2.imwrite(str(tmp_path / "images" / f"frame_{number:06}.png"), image)
        boxes += (
            f'<box frame="{number}" keyframe="1" outside="0" occluded="0" xtl="{x}" ytl="{y}" '
            f'xbr="{x + 40}" ybr="{y + 40}" z_order="0"></box>'
        )
    track = f'<track id="0" label="square" source="manual">{boxes}</track>'
    dataset = write_cvat(tmp_path, ("square",), track)
    found = figures(built("tracker-demo", tmp_path / "out"), dataset, tmp_path)
    assert (found["measure"], found["samples"]) == ("tracks", 1)
    assert found["precision20"] == 1
    assert found["success"] > 0.7


@pytest.mark.slow
def test_reid(tmp_path: Path) -> None:
    # Market-1501: identity and camera in the names. Each identity has a color.
    colors = {"0001": (40, 40, 220), "0002": (220, 60, 40), "0003": (60, 200, 60)}
    for folder, cameras in (("query", "1"), ("bounding_box_test", "23")):
        (tmp_path / "set" / folder).mkdir(parents=True)
        for identity, color in colors.items():
            for camera in cameras:
                shade = np.clip(np.array(color) + 3 * int(camera), 0, 255).astype(np.uint8)
                image = np.broadcast_to(shade, (64, 32, 3))
                name = f"{identity}_c{camera}s1_000001_00.png"
                cv2.imwrite(str(tmp_path / "set" / folder / name), image)
    found = figures(built("reid-demo", tmp_path / "out"), tmp_path / "set", tmp_path)
    assert (found["measure"], found["samples"]) == ("reid", 9)
    assert (found["rank1"], found["map"]) == (1, 1)


@pytest.mark.slow
def test_the_example_models_agree_with_the_second_implementation() -> None:
    # A few scenes; docs/accuracy.md has 500.
    done = subprocess.run(
        [sys.executable, "benchmarks/accuracy.py", "--images", "12"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 7
