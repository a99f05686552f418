import json
from pathlib import Path

import pytest

from tests.builder.cli.invoke import invoke
from tests.builder.conftest import png


def test_parity_prints_text_markdown_or_json(built_once: Path, tmp_path: Path) -> None:
    image = tmp_path / "photo.png"
    image.write_bytes(png())
    status, out, err = invoke("parity", built_once, image)
    assert (status, err) == (0, "")
    assert out.startswith(f"{built_once}: cpu and gpu, 1 image\n")
    assert out.endswith("\nwithin the limits\n")
    status, out, _ = invoke("parity", built_once, tmp_path, "--markdown")
    assert (status, out[:11]) == (0, "### Parity:")
    status, out, _ = invoke("parity", built_once, tmp_path, "--json")
    assert (status, len(out.splitlines())) == (0, 1)
    assert json.loads(out)["within"] is True


def test_parity_fails_beyond_the_limits(built_once: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(png())
    answers = {"width": 128, "height": 128, "detections": []}
    file = tmp_path / "reference.json"
    file.write_text(json.dumps({"version": 1, "images": {"photo.png": answers}}))
    arguments = ("parity", built_once, tmp_path / "photo.png", "--reference", file)
    assert invoke(*arguments)[0] == 1
    assert invoke(*arguments, "--tolerance", "unmatched=2")[0] == 0
    assert invoke(*arguments, "--threshold", "0.95")[0] == 1


def test_parity_reports_a_wrong_command_line(built_once: Path, tmp_path: Path) -> None:
    status, out, err = invoke("parity", built_once, tmp_path / "absent.png")
    assert (status, out) == (2, "")
    assert "absent.png" in err
    status, _, err = invoke("parity", built_once, tmp_path, "--tolerance", "pixels=1")
    assert status == 2
    assert "--tolerance" in err
    (tmp_path / "photo.png").write_bytes(png())
    assert invoke("parity", tmp_path / "absent", tmp_path / "photo.png")[0] == 2


@pytest.mark.slow
def test_parity_continues_after_a_refused_image_and_fails(built_once: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("text")
    (tmp_path / "b.png").write_bytes(b"")
    (tmp_path / "c.png").write_bytes(png())
    status, out, _ = invoke("parity", built_once, tmp_path, "--json")
    found = json.loads(out)
    assert (status, found["failures"], found["images"]) == (1, 2, 1)
