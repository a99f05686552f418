import os
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from builder.diagnostics.errors import BuiltError
from builder.run.local import BuiltFunction
from tests.builder.conftest import failure, png

# The model's boxes in its 64x64 input, times two in an image of 128x128.
CAT = {
    "label": "cat",
    "type": "rectangle",
    "points": [16.0, 24.0, 48.0, 40.0],
    "confidence": 0.9,
}
DOG = {
    "label": "dog",
    "type": "rectangle",
    "points": [88.0, 64.0, 104.0, 96.0],
    "confidence": 0.75,
}
BIRD = {
    "label": "bird",
    "type": "rectangle",
    "points": [14.0, 94.0, 26.0, 106.0],
    "confidence": 0.125,
}


@pytest.fixture(scope="module")
def gpu_function(built_once: Path) -> BuiltFunction:
    return BuiltFunction(built_once, "gpu", cpu_is_enough=True)


def own_modules() -> dict[str, int]:
    names = ("main", "model_handler", "runtimes")
    return {name: id(it) for name, it in sys.modules.items() if name.split(".")[0] in names}


def test_the_cpu_variant_answers(cpu_function: BuiltFunction) -> None:
    reply = cpu_function(png())
    assert (reply.status, reply.body) == (200, [CAT, DOG])
    assert reply.milliseconds > 0


def test_the_gpu_variant_answers_the_same(gpu_function: BuiltFunction) -> None:
    assert gpu_function(png()).body == [CAT, DOG]


def test_a_request_reaches_the_function_as_it_is(cpu_function: BuiltFunction) -> None:
    assert cpu_function(png(), threshold=0.8).body == [CAT]
    assert cpu_function(png(), threshold=0.1).body == [CAT, DOG, BIRD]
    assert cpu_function(png(), threshold=None).body == [CAT, DOG]


def test_a_wrong_request_is_answered_with_its_reason(cpu_function: BuiltFunction) -> None:
    reply = cpu_function(b"not an image")
    assert reply.status == 400
    assert "image" in reply.body["error"]
    reply = cpu_function.send(b"{", "text/plain")
    assert reply.status == 400


def test_title_and_labels_are_those_of_the_configuration(cpu_function: BuiltFunction) -> None:
    assert cpu_function.annotations["name"] == "boxes"
    assert cpu_function.kind == "detector"
    assert [label["name"] for label in cpu_function.labels] == ["cat", "dog", "bird"]


def test_what_the_function_logs_is_kept(cpu_function: BuiltFunction) -> None:
    before = len(cpu_function.log)
    cpu_function(png())
    assert cpu_function.log[0].startswith("info: cpu: OpenVINO")
    assert [line.split(";")[0] for line in cpu_function.log[before:]] == ["info: 200 2 items"]


def test_the_functions_own_code_runs_and_not_the_tools(built: Path) -> None:
    step = built / "nuclio/runtimes/shapes/rectangle.py"
    text = step.read_text("utf-8")
    assert '"type": "rectangle", "points": points' in text
    step.write_text(
        text.replace('"type": "rectangle", "points"', '"type": "rectangle", "own": 1, "points"')
    )
    function = BuiltFunction(built, "cpu")
    assert [item["own"] for item in function(png()).body] == [1, 1]
    import runtimes.shapes.rectangle

    assert '"own"' not in Path(runtimes.shapes.rectangle.__file__).read_text("utf-8")


def test_two_functions_in_one_process_do_not_mix(built: Path, cpu_function: BuiltFunction) -> None:
    handler = built / "nuclio/model_handler.py"
    handler.write_text(handler.read_text().replace('"cat"', '"tiger"'))
    other = BuiltFunction(built, "cpu")
    for _ in range(2):
        assert [item["label"] for item in other(png()).body] == ["tiger", "dog"]
        assert [item["label"] for item in cpu_function(png()).body] == ["cat", "dog"]


@pytest.mark.parametrize("ends_well", [True, False])
def test_modules_paths_and_environment_are_as_before(
    built: Path, monkeypatch: pytest.MonkeyPatch, ends_well: bool
) -> None:
    if not ends_well:
        handler = built / "nuclio/model_handler.py"
        handler.write_text("import runtimes.step\nraise RuntimeError('no')\n")
    config = built / "nuclio/function.yaml"
    data = yaml.safe_load(config.read_text())
    data["spec"]["env"] += [{"name": "WAS_SET", "value": "x"}, {"name": "WAS_NOT", "value": "y"}]
    config.write_text(yaml.safe_dump(data))
    monkeypatch.setenv("WAS_SET", "before")
    monkeypatch.delenv("WAS_NOT", raising=False)
    import runtimes.step  # noqa: F401

    modules, path, environment = own_modules(), list(sys.path), dict(os.environ)
    if ends_well:
        BuiltFunction(built, "cpu")(png())
    else:
        failure(lambda: BuiltFunction(built, "cpu"))
    assert own_modules() == modules
    assert sys.path == path
    assert dict(os.environ) == environment


def test_the_function_sees_its_environment(built: Path) -> None:
    config = built / "nuclio/function.yaml"
    data = yaml.safe_load(config.read_text())
    data["spec"]["env"].append({"name": "WORD", "value": "it is there"})
    config.write_text(yaml.safe_dump(data))
    main = built / "nuclio/main.py"
    main.write_text(
        "import os\n"
        "def init_context(context):\n"
        "    context.user_data.word = os.environ['WORD']\n"
        "def handler(context, event):\n"
        "    body = '[\"%s\", \"%s\"]' % (context.user_data.word, os.environ['WORD'])\n"
        "    return context.Response(body=body, content_type='application/json', status_code=200)\n"
    )
    assert BuiltFunction(built, "cpu")(png()).body == ["it is there", "it is there"]
    assert "WORD" not in os.environ


def test_running_writes_nothing_into_the_directory(built: Path) -> None:
    before = sorted(built.rglob("*"))
    BuiltFunction(built, "cpu")(png())
    assert sorted(built.rglob("*")) == before


def test_a_directory_that_was_moved_still_runs(built: Path, tmp_path: Path) -> None:
    moved = Path(shutil.move(built, tmp_path / "elsewhere"))
    assert BuiltFunction(moved, "cpu")(png()).body == [CAT, DOG]


def problem_of(folder: Path, variant: str = "cpu") -> str:
    error = failure(lambda: BuiltFunction(folder, variant))  # type: ignore[arg-type]
    assert isinstance(error, BuiltError)
    return str(error)


@pytest.mark.parametrize(
    "path", ["nuclio/model.onnx", "nuclio/runtimes/service.py", "nuclio/main.py"]
)
def test_an_incomplete_directory_says_what_is_absent_and_how_to_get_it(
    built: Path, path: str
) -> None:
    (built / path).unlink()
    text = problem_of(built)
    assert "not complete: 1 " in text
    assert path in text
    assert "cvatbuild" in text
    assert "boxes.yaml" in text


@pytest.mark.parametrize("lock", [None, "", "files: [", "5", "files: {}\n", "manifest: {a: b}\n"])
def test_a_directory_without_a_usable_lock(built: Path, lock: str | None) -> None:
    if lock is None:
        (built / "build.lock").unlink()
    else:
        (built / "build.lock").write_text(lock)
    assert "build.lock" in problem_of(built)


def test_a_variant_that_was_not_built_names_the_one_that_was(built: Path) -> None:
    (built / "nuclio/function-gpu.yaml").unlink()
    text = problem_of(built, "gpu")
    assert "built: cpu" in text
    assert "--variant cpu" in text


def test_a_folder_that_is_no_function(tmp_path: Path) -> None:
    assert "is not a function" in problem_of(tmp_path)
    assert "is not a function" in problem_of(tmp_path / "absent")
    (tmp_path / "file").write_text("x")
    assert "is not a function" in problem_of(tmp_path / "file")


def test_a_folder_near_a_function_names_the_function(built: Path) -> None:
    hint = f"did you mean '{built}'?"
    assert hint in problem_of(built.parent)
    assert hint in problem_of(built / "nuclio")
    assert hint in problem_of(built.with_name("boxs"))
    assert "build it first" in problem_of(built.with_name("other"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "a: [",
        "metadata: {}",
        "metadata: {annotations: {name: a, spec: '['}}\nspec: {env: []}\n",
        "metadata: {annotations: {name: a, spec: '[]'}}\nspec: {env: [5]}\n",
        "metadata: {annotations: {name: a, spec: '[]'}}\nspec: {env: [{name: A}]}\n",
    ],
)
def test_a_configuration_that_cvatbuild_did_not_write(built: Path, text: str) -> None:
    (built / "nuclio/function.yaml").write_text(text)
    assert "function.yaml" in problem_of(built)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import not_installed_here\n", "install not_installed_here"),
        ("raise RuntimeError('broken')\n", "RuntimeError: broken"),
        ("def\n", "SyntaxError"),
    ],
)
def test_a_function_that_does_not_start_says_why(built: Path, text: str, words: str) -> None:
    (built / "nuclio/model_handler.py").write_text(text)
    assert words in problem_of(built)


def test_a_model_that_is_damaged_is_reported_by_the_runtime(built: Path) -> None:
    model = built / "nuclio/model.onnx"
    model.unlink()
    model.write_bytes(b"damaged")
    assert "model.onnx" in problem_of(built)
