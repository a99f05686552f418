import json
from pathlib import Path

from runtimes.backends.onnxruntime_cuda import has_nvidia_driver
from tests.builder.cli.invoke import invoke
from tests.builder.conftest import WriteManifest, png


def test_predict_prints_tables_or_json(built_once: Path, tmp_path: Path) -> None:
    image = tmp_path / "photo.png"
    image.write_bytes(png())
    status, out, err = invoke("predict", built_once, image)
    assert (status, err) == (0, "")
    assert out.startswith(f"{image}: 2 items, ")
    status, out, err = invoke("predict", built_once, image, image, "--json", "--threshold", "0.8")
    assert (status, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [list(line) for line in lines] == [["image", "status", "reply"]] * 2
    assert [item["label"] for item in lines[0]["reply"]] == ["cat"]


def test_predict_saves_pictures_and_says_so_on_stderr(built_once: Path, tmp_path: Path) -> None:
    image = tmp_path / "photo.png"
    image.write_bytes(png())
    saved = tmp_path / "out" / "photo.png"
    status, out, err = invoke("predict", built_once, image, "--json", "--save", tmp_path / "out")
    assert status == 0
    assert len(out.splitlines()) == 1
    assert str(saved) in err
    assert saved.is_file()


def test_predict_continues_after_a_refused_image_and_fails(
    built_once: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_text("text")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "good.png").write_bytes(png())
    files = [tmp_path / f"{it}.png" for it in ("bad", "empty", "good")]
    status, out, _ = invoke("predict", built_once, *files, "--json")
    assert status == 1
    assert [json.loads(line)["status"] for line in out.splitlines()] == [400, 400, 200]
    # An absent file is found before the first request.
    status, out, err = invoke("predict", built_once, *files, tmp_path / "absent.png")
    assert (status, out) == (2, "")
    assert "absent.png" in err


def test_predict_without_an_image_or_a_function(built_once: Path, tmp_path: Path) -> None:
    status, out, err = invoke("predict", built_once, tmp_path / "absent.png")
    assert (status, out) == (2, "")
    assert "absent.png" in err
    status, out, err = invoke("predict", tmp_path / "absent", tmp_path / "absent.png")
    assert (status, out) == (2, "")
    assert err.startswith("error: ")


def test_predict_runs_the_variant_that_was_built(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    manifest = write_manifest(variants={"cpu": False})
    assert invoke("--no-smoke", "--out", tmp_path / "out", manifest)[0] == 0
    (tmp_path / "x.png").write_bytes(png())
    status, out, err = invoke("predict", tmp_path / "out" / "boxes", tmp_path / "x.png")
    assert status == 0
    # Without a GPU, it runs on the CPU and says so.
    assert ("warning: running on the CPU: " in err) == (not has_nvidia_driver())
    assert ": 2 items, " in out
