"""Manifests that `init` writes, and what it refuses."""

import errno
import json
import os
import shutil
from pathlib import Path

import onnx
import openvino
import pytest
import yaml
from onnx import helper
from typer.testing import CliRunner

from builder.cli.app import app
from builder.families.init import draft_manifest, write_manifest
from builder.lint.examine import plan
from builder.targets.build import build
from tests import zoo
from tests.builder.conftest import failure, png, read_valid
from tests.builder.models import yolo_model
from tests.local_function import LocalFunction
from tests.openvino_models import converted, save_ir
from tests.runtimes import graphs


def invoke(*arguments: object) -> tuple[int, str, str]:
    """The command line: exit status, stdout, stderr."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return yolo_model(tmp_path / "best.onnx")


def test_init_prints_a_manifest_with_the_reason_for_each_value(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent)
    status, out, err = invoke("init", "best.onnx")
    assert (status, err) == (0, "")
    first, *_ = out.splitlines()
    assert first.startswith("# yaml-language-server: $schema=")
    assert first.endswith("builder/reference/manifest.schema.json")
    assert yaml.safe_load(out) == {
        "name": "best",
        "title": "best",
        "type": "detector",
        "model": "best.onnx",
        "labels": "metadata",
        "preprocess": ["letterbox", {"normalize": 255}],
        "postprocess": ["yolo", {"nms": 0.45}, "rectangle"],
        "threshold": 0.25,
    }
    assert "# metadata_props.names: cat, dog, bird" in out
    assert "metadata task: detect" in out
    assert not list(model.parent.glob("*.yaml"))


def test_the_schema_is_that_of_the_manifests_checkout(model: Path, tmp_path: Path) -> None:
    (tmp_path / "builder" / "reference").mkdir(parents=True)
    (tmp_path / "builder" / "reference" / "manifest.schema.json").write_text("{}")
    (tmp_path / "manifests").mkdir()
    text = draft_manifest([model], tmp_path / "manifests").text
    assert text.startswith(
        "# yaml-language-server: $schema=../builder/reference/manifest.schema.json\n"
    )
    assert "\nmodel: ../best.onnx " in text


def test_a_manifest_is_overwritten_only_with_force(model: Path) -> None:
    file = model.with_name("mine.yaml")
    assert invoke("init", model, "-o", file)[:2] == (0, f"{file}\n")
    file.write_text("mine")
    status, out, err = invoke("init", model, "-o", file)
    assert (status, out) == (1, "")
    assert "--force" in err
    assert file.read_text() == "mine"
    assert invoke("init", model, "-o", file, "--force")[0] == 0
    assert read_valid(file).manifest.name == "best"


LABEL_FILES = {
    "names.txt": "cat\ndog\nbird\n",
    "data.yaml": "path: x\nnames: {0: cat, 1: dog, 2: bird}\n",
    "list.yaml": "names: [cat, dog, bird]\n",
    "coco.json": json.dumps(
        {"categories": [{"id": i, "name": n} for i, n in ((1, "cat"), (5, "dog"), (90, "bird"))]}
    ),
    "cvat.json": json.dumps(
        [
            {"name": name, "id": 100 - place, "color": "#fff", "attributes": []}
            for place, name in enumerate(("cat", "dog", "bird"))
        ]
    ),
}


@pytest.mark.parametrize("name", LABEL_FILES)
def test_labels_come_from_any_kind_of_file(tmp_path: Path, name: str) -> None:
    model = yolo_model(tmp_path / "m.onnx", metadata={"task": "detect"})
    (tmp_path / name).write_text(LABEL_FILES[name])
    status, _, err = invoke("init", model, "-o", tmp_path / "m.yaml", "--labels", tmp_path / name)
    assert (status, err) == (0, "")
    (tmp_path / name).unlink()
    labels = plan(tmp_path / "m.yaml").labels
    assert [(label.id, label.name) for label in labels] == [(0, "cat"), (1, "dog"), (2, "bird")]


def test_coco_ids_with_gaps_fit_a_model_with_the_same_gaps(tmp_path: Path) -> None:
    categories = [{"id": number, "name": f"n{number}"} for number in (1, 3)]
    (tmp_path / "coco.json").write_text(json.dumps({"categories": categories}))
    # DETR's three classes are 0 to 2 and nothing; COCO's numbers are its own where they fit.
    (tmp_path / "few.json").write_text(
        json.dumps({"categories": [{"id": number, "name": f"n{number}"} for number in (0, 2)]})
    )
    model = zoo.detr(tmp_path / "detr.onnx")
    for file, wanted in (
        ("few.json", [(0, "n0"), (2, "n2")]),
        ("coco.json", [(0, "n1"), (2, "n3")]),
    ):
        draft = draft_manifest([model], tmp_path, tmp_path / file)
        assert draft.notes == ()
        write_manifest(draft.text, tmp_path / f"{file}.yaml", force=False)
        labels = plan(tmp_path / f"{file}.yaml").labels
        assert [(label.id, label.name) for label in labels] == wanted


def test_too_few_labels_are_reported(model: Path, tmp_path: Path) -> None:
    (tmp_path / "two.txt").write_text("a\nb\n")
    status, out, err = invoke("init", model, "--labels", tmp_path / "two.txt")
    assert status == 0
    assert "two.txt has 2 labels, the model has 3 classes" in err
    assert "  - a\n  - b\n" in out


def test_an_invalid_label_file_is_reported(model: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "twice.txt").write_text("a\nb\na\n")
    for name, status, what in (
        ("bad.json", 1, "bad.json"),
        ("twice.txt", 1, "twice.txt: duplicate label 'a'"),
        ("twise.txt", 2, "twice.txt'?"),
    ):
        found, out, err = invoke("init", model, "--labels", tmp_path / name)
        assert (found, out) == (status, "")
        assert what in err


HOSTILE = [
    {"task": "detect", "names": "__import__('os').system('id')"},
    {"task": "detect", "names": "{0: 'a', 1: 'a', 2: 'b'}"},
    {"task": "detect", "names": "{0: 'a\\nlabels: [x]', 1: 'b', 2: 'c'}"},
    {"task": "detect", "names": "[" * 500},
    {"task": "detect", "names": "{0: 'a'}"},
    {"names": "[]", "args": "5", "kpt_shape": "[1e9, 3]"},
    {"names": "{0: 1}", "imgsz": "[0, -5]", "task": "detect", "description": "\x1b[31m" * 50},
    {f"key{number}": "x" * 200 for number in range(5000)},
]


@pytest.mark.parametrize("metadata", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_metadata_never_reach_the_manifest(
    tmp_path: Path, metadata: dict[str, str]
) -> None:
    model = zoo.yolov8(tmp_path / "m.onnx", metadata=metadata)
    draft = draft_manifest([model], tmp_path)
    write_manifest(draft.text, tmp_path / "m.yaml", force=False)
    planned = plan(tmp_path / "m.yaml")
    assert [label.name for label in planned.labels] == ["class_0", "class_1", "class_2"]
    assert "evil" not in yaml.safe_load(draft.text)
    status, out, err = invoke("inspect", model)
    assert (status, err) == (0, "")
    assert "\x1b" not in out
    assert len(out) < 8000
    assert json.loads(invoke("inspect", "--json", model)[1])["outputs"]


def test_an_unknown_task_is_not_copied_into_the_manifest(tmp_path: Path) -> None:
    model = zoo.yolov8(tmp_path / "m.onnx", metadata={"task": "x\n- evil: 1"})
    draft = draft_manifest([model], tmp_path)
    assert draft.ranking.matches[0].postprocess[0].name == "yolo"
    assert "evil" not in draft.text
    write_manifest(draft.text, tmp_path / "m.yaml", force=False)
    # The decoder's own check refuses the task.
    assert "task" in failure(lambda: plan(tmp_path / "m.yaml")).problems[0].what


def test_hostile_tensor_names_stay_in_comments(tmp_path: Path) -> None:
    model = yolo_model(tmp_path / "m.onnx")
    proto = onnx.load(model)
    for node in proto.graph.node:
        for place, name in enumerate(node.output):
            if name == "output0":
                node.output[place] = "x\nname: evil #\u202e"
    proto.graph.output[0].name = "x\nname: evil #\u202e"
    onnx.save_model(proto, model)
    text = draft_manifest([model], tmp_path).text
    assert yaml.safe_load(text)["name"] == "m"


def test_the_manifest_of_an_ir_is_for_the_cpu_variant(tmp_path: Path) -> None:
    save_ir(zoo.yolov8, tmp_path / "best.xml")
    status, _, err = invoke("init", tmp_path / "best.xml", "-o", tmp_path / "best.yaml")
    assert (status, err) == (0, "")
    assert yaml.safe_load((tmp_path / "best.yaml").read_text())["variants"] == {"gpu": False}
    folder = build(plan(tmp_path / "best.yaml"), tmp_path, force=False).folder
    (item,) = LocalFunction(folder, "cpu")(png(64, 64)).body
    assert item["points"] == pytest.approx(zoo.BOX, abs=0.05)


def test_the_model_info_of_an_ir_is_used(tmp_path: Path) -> None:
    model = converted(zoo.semantic)
    for key, value in {
        "labels": "road car tree sky",
        "resize_type": "fit_to_window_letterbox",
        "pad_value": "7",
        "mean_values": "1.0 2.0 3.0",
        "scale_values": "4.0 5.0 6.0",
        "reverse_input_channels": "False",
        "confidence_threshold": "0.4",
    }.items():
        model.set_rt_info(value, ["model_info", key])
    openvino.save_model(model, tmp_path / "m.xml")
    data = yaml.safe_load(draft_manifest([tmp_path / "m.xml"], tmp_path).text)
    assert data["preprocess"] == [
        {"letterbox": {"fill": 7}},
        {"channels": "bgr"},
        {"normalize": {"scale": 1, "mean": [1, 2, 3], "std": [4, 5, 6]}},
    ]
    assert [label["name"] for label in data["labels"]] == ["road", "car", "tree", "sky"]
    assert data["threshold"] == 0.4


def test_a_wrong_declared_shape_is_reported_and_ignored(tmp_path: Path) -> None:
    model = zoo.end2end(tmp_path / "m.onnx", metadata={"names": zoo.ultralytics("")["names"]})
    proto = onnx.load(model)
    proto.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 84
    proto.graph.output[0].type.tensor_type.shape.dim[2].dim_value = 8400
    onnx.save_model(proto, model)
    draft = draft_manifest([model], tmp_path)
    assert draft.ranking.matches[0].postprocess[0].name == "yolo_end2end"
    assert any("declares output0 [1, 84, 8400] float32 but gives" in it.what for it in draft.notes)


def test_a_model_of_unknown_family_is_refused_with_its_tensors(tmp_path: Path) -> None:
    net = zoo.image()
    net.give("mystery", net.known([1.0, 2.0]), (2,))
    (problem,) = failure(lambda: draft_manifest([net.save(tmp_path / "m.onnx")], tmp_path)).problems
    assert "unknown model family" in problem.what
    assert "mystery [2] float32" in problem.found


def test_building_from_a_model_writes_the_manifest_first(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent)
    status, out, err = invoke("best.onnx")
    assert status == 0
    assert out == "build/best/nuclio/function.yaml\nbuild/best/nuclio/function-gpu.yaml\n"
    assert err.startswith("wrote best.yaml: YOLOv8, 9, 11, 12: boxes (certain)\n")
    # The same manifest is what diff and a second build go by.
    assert invoke("diff", "best.yaml") == (0, "", "")
    Path("best.yaml").write_text(Path("best.yaml").read_text().replace("0.25 ", "0.75 "))
    status, _, err = invoke("--no-smoke", "best.onnx")
    assert (status, err) == (0, "using the existing manifest best.yaml\n")
    assert "threshold=0.75" in Path("build/best/nuclio/model_handler.py").read_text()


def test_an_unrelated_file_beside_the_model_is_kept(model: Path) -> None:
    beside = model.with_suffix(".yaml")
    for text in ("names: [a]\n", "a: [", "name: x\ntype: detector\nmodel: other.onnx\n"):
        beside.write_text(text)
        status, out, err = invoke(model)
        assert (status, out) == (1, "")
        assert "is not a manifest of best.onnx" in err
        assert beside.read_text() == text


def test_a_manifest_that_cannot_be_written_is_reported(model: Path, tmp_path: Path) -> None:
    for place in (tmp_path / "absent" / "m.yaml", model / "m.yaml"):
        status, out, err = invoke("init", model, "-o", place)
        assert (status, out) == (1, "")
        assert "cannot be written" in err
        created = f"create the directory {place.parent}, or " if "absent" in place.parts else ""
        assert f"hint:    {created}pass another path with -o FILE" in err


def test_directories_and_devices_are_never_overwritten(model: Path, tmp_path: Path) -> None:
    for place, what in ((tmp_path, "is a directory"), (Path(os.devnull), "is a device")):
        for words in ([], ["--force"]):
            status, out, err = invoke("init", model, *words, "-o", place)
            assert (status, out) == (1, "")
            assert what in err


@pytest.mark.parametrize("force", [False, True])
def test_a_failed_write_leaves_the_old_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    file = tmp_path / "m.yaml"
    if force:
        file.write_text("mine")

    def full(self: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    failure(lambda: write_manifest("name: a\n", file, force=force))
    # A lone surrogate, as in names that are no UTF-8, cannot be written either.
    failure(lambda: write_manifest("name: \udcff\n", file, force=force))
    assert [path.read_text() for path in tmp_path.iterdir()] == (["mine"] if force else [])


def test_the_target_of_a_link_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text("old")
    (tmp_path / "link.yaml").symlink_to("real.yaml")
    write_manifest("new", tmp_path / "link.yaml", force=True)
    assert (tmp_path / "link.yaml").is_symlink()
    assert (tmp_path / "real.yaml").read_text() == "new"


@pytest.mark.parametrize("name", ["two\nlines", "\udcff", "\x1b[31m", "\u202e"], ids=ascii)
@pytest.mark.parametrize("command", [[], ["init"]])
def test_a_model_with_an_unprintable_name_is_refused(
    model: Path, tmp_path: Path, command: list[str], name: str
) -> None:
    model.rename(tmp_path / f"{name}.onnx")
    status, out, err = invoke(*command, tmp_path / f"{name}.onnx")
    assert (status, out) == (1, "")
    assert "has a name that a manifest cannot contain" in err
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["best.onnx", "link.yaml", "labels.txt", "new.onnx", "best.bin"])
def test_a_manifest_never_overwrites_its_inputs(model: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "link.yaml").symlink_to("best.onnx")
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    before = model.read_bytes()
    labels = ["--labels", tmp_path / "labels.txt"]
    status, out, _ = invoke("init", model, *labels, "--force", "-o", tmp_path / name)
    assert (status, out) == (2, "")
    assert model.read_bytes() == before
    assert (tmp_path / "labels.txt").read_text() == "a\nb\nc\n"


def test_models_and_manifests_can_be_built_together(model: Path, tmp_path: Path) -> None:
    other = shutil.copy(model, tmp_path / "other.onnx")
    assert invoke("--no-smoke", model, other)[0] == 0
    assert (tmp_path / "build" / "other" / "nuclio" / "function.yaml").is_file()


@pytest.mark.parametrize("command", ["init", "inspect"])
def test_files_that_are_no_models_are_reported(tmp_path: Path, command: str) -> None:
    (tmp_path / "m.onnx").write_text("version https://git-lfs.github.com/spec/v1")
    status, out, err = invoke(command, tmp_path / "m.onnx")
    assert (status, out) == (1, "")
    assert "Git LFS" in err
    assert invoke(command, tmp_path / "absent.onnx")[0] == 2
    (tmp_path / "best.pt").write_bytes(b"x")
    status, _, err = invoke(command, tmp_path / "best.pt")
    assert status == 2
    assert "yolo export" in err


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((4, 3, 64, 64), "export it for one image at a time; images takes 4"),
        ((1, 40), "export it with an image input"),
        ((1, 5, 64, 64), "write a manifest by hand"),
    ],
)
def test_a_model_of_unknown_family_gets_a_hint(
    tmp_path: Path, shape: tuple[int, ...], hint: str
) -> None:
    graphs.save(
        tmp_path / "odd.onnx",
        [helper.make_node("ReduceSum", ["images"], ["odd"], keepdims=0)],
        [("images", "float32", shape)],
        [("odd", "float32", ())],
        {},
    )
    status, out, err = invoke("init", tmp_path / "odd.onnx")
    assert (status, out) == (1, "")
    assert hint in " ".join(err.split())


def test_an_absent_label_file_beside_an_existing_output_is_reported(
    model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "m.yaml"
    output.write_text("mine")
    status, out, err = invoke("init", model, "-o", output, "--force", "--labels", "absent.txt")
    assert (status, out) == (2, "")
    assert "absent.txt" in err
    assert output.read_text() == "mine"
