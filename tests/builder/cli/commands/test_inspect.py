import json
from pathlib import Path

from tests.builder.cli.invoke import invoke


def test_inspect_describes_every_model(model_file: Path) -> None:
    status, out, err = invoke("inspect", model_file, model_file)
    assert (status, err) == (0, "")
    assert out.count("  inputs ") == 2
    assert "  family " in out


def test_json_is_one_object_per_line(model_file: Path) -> None:
    status, out, err = invoke("inspect", "--json", model_file, model_file)
    assert (status, err) == (0, "")
    one, two = (json.loads(line) for line in out.splitlines())
    assert one == two
    assert one["inputs"]


def test_an_unreadable_model_hides_no_other(model_file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    status, out, err = invoke("inspect", broken, model_file)
    assert status == 1
    assert "  inputs " in out
    assert err.startswith(f"error: {broken}: ")


def test_a_manifest_is_a_command_line_error(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("name: x")
    status, out, err = invoke("inspect", tmp_path / "m.yaml")
    assert (status, out) == (2, "")
    assert "is a manifest, not a model" in err
