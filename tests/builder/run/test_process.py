import gc
import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from builder.diagnostics.errors import FUNCTION, BuiltError, CommandLineError
from builder.diagnostics.faults import RULES
from builder.diagnostics.problem import Problem
from builder.run import process
from builder.run.process import FunctionProcess
from runtimes.errors import Fault
from tests.builder.conftest import failure, png
from tests.grids import quick_and_slow

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

MAIN = """
import json, os, sys
START
def init_context(context):
    pass
def handler(context, event):
    reply = []
    HANDLER
    body = json.dumps(reply)
    return context.Response(body=body, content_type="application/json", status_code=200)
"""


def write_main(folder: Path, handler: str = "pass", start: str = "") -> Path:
    """Replace a function by one without a model, with its own start and handler."""
    text = MAIN.replace("START", start).replace("HANDLER", handler)
    (folder / "nuclio/main.py").write_text(text)
    (folder / "nuclio/model_handler.py").write_text("BACKENDS = {}\n")
    return folder


def add_environment(folder: Path, **variables: str) -> None:
    """Add variables to the function's configuration."""
    config = folder / "nuclio/function.yaml"
    data = yaml.safe_load(config.read_text())
    data["spec"]["env"] += [{"name": key, "value": text} for key, text in variables.items()]
    config.write_text(yaml.safe_dump(data))


def problem_of(action: Callable[[], object]) -> Problem:
    """The problem of the BuiltError that `action` must raise."""
    error = failure(action)
    assert isinstance(error, BuiltError)
    (problem,) = error.problems
    return problem


def start_problem(folder: Path) -> Problem:
    """The problem that keeps a function's CPU variant from starting."""
    return problem_of(FunctionProcess(folder, "cpu").wait_until_started)


def has_ended(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], 10)[0])
    finally:
        os.close(watched)


def pid_of(function: FunctionProcess) -> int:
    """The number of the child process, by its own account."""
    (pid,) = function(png()).body
    assert isinstance(pid, int)
    return pid


PID = "reply = [os.getpid()]"


@pytest.fixture(scope="module")
def gpu_function(built_once: Path) -> FunctionProcess:
    return FunctionProcess(built_once, "gpu", allow_fallback=True)


def test_the_cpu_variant_answers(cpu_function: FunctionProcess) -> None:
    reply = cpu_function(png())
    assert (reply.status, reply.body) == (200, [CAT, DOG])
    assert reply.milliseconds > 0


def test_the_gpu_variant_gives_the_same_reply(gpu_function: FunctionProcess) -> None:
    assert gpu_function(png()).body == [CAT, DOG]


def test_further_keys_of_a_request_are_sent(cpu_function: FunctionProcess) -> None:
    assert cpu_function(png(), threshold=0.8).body == [CAT]
    assert cpu_function(png(), threshold=0.1).body == [CAT, DOG, BIRD]
    assert cpu_function(png(), threshold=None).body == [CAT, DOG]


def test_a_bad_request_is_answered_with_the_reason(cpu_function: FunctionProcess) -> None:
    reply = cpu_function(b"not an image")
    assert reply.status == 400
    assert "image" in reply.body["error"]
    reply = cpu_function.send(b"{", "text/plain")
    assert reply.status == 400


def test_type_title_and_labels_are_those_of_the_configuration(
    cpu_function: FunctionProcess,
) -> None:
    assert cpu_function.annotations["name"] == "boxes"
    assert cpu_function.type == "detector"
    assert [label["name"] for label in cpu_function.labels] == ["cat", "dog", "bird"]


def test_log_lines_are_collected(cpu_function: FunctionProcess) -> None:
    before = len(cpu_function.log)
    cpu_function(png())
    assert cpu_function.log[0].startswith("info: cpu: OpenVINO")
    assert [line.split(";")[0] for line in cpu_function.log[before:]] == ["info: 200 2 items"]
    assert cpu_function.warnings == []


def test_warnings_of_the_log_are_collected(built: Path) -> None:
    start = "def init_context(context):\n    context.logger.warn('%s is %d', 'one', 1)"
    write_main(built)
    main = built / "nuclio/main.py"
    main.write_text(main.read_text().replace("def init_context(context):\n    pass", start))
    with FunctionProcess(built, "cpu") as function:
        assert function.warnings == ["one is 1"]


def test_the_functions_own_modules_are_imported(built: Path) -> None:
    step = built / "nuclio/runtimes/shapes/rectangle.py"
    text = step.read_text("utf-8")
    assert '"type": "rectangle", "points": points' in text
    step.write_text(
        text.replace('"type": "rectangle", "points"', '"type": "rectangle", "own": 1, "points"')
    )
    function = FunctionProcess(built, "cpu")
    assert [item["own"] for item in function(png()).body] == [1, 1]
    import runtimes.shapes.rectangle

    assert '"own"' not in Path(runtimes.shapes.rectangle.__file__).read_text("utf-8")


def test_nothing_of_the_tool_is_imported(built: Path) -> None:
    description = (built / "nuclio/model_handler.py").read_text()
    write_main(built, 'reply = [sys.path, [it for it in sys.modules if "builder" in it]]')
    (built / "nuclio/model_handler.py").write_text(description)
    path, modules = FunctionProcess(built, "cpu")(png()).body
    assert path[0] == str((built / "nuclio").resolve())
    assert modules == []
    import builder.run.process

    assert str(Path(builder.run.process.__file__).parent) not in path


@pytest.mark.slow
def test_two_functions_are_independent(built: Path, cpu_function: FunctionProcess) -> None:
    handler = built / "nuclio/model_handler.py"
    handler.write_text(handler.read_text().replace('"cat"', '"tiger"'))
    other = FunctionProcess(built, "cpu")
    for _ in range(2):
        assert [item["label"] for item in other(png()).body] == ["tiger", "dog"]
        assert [item["label"] for item in cpu_function(png()).body] == ["cat", "dog"]


def own_modules() -> dict[str, int]:
    names = ("main", "model_handler", "runtimes")
    return {name: id(it) for name, it in sys.modules.items() if name.split(".")[0] in names}


@pytest.mark.parametrize("starts", [True, False])
def test_the_tools_modules_and_environment_do_not_change(
    built: Path, monkeypatch: pytest.MonkeyPatch, starts: bool
) -> None:
    if not starts:
        handler = built / "nuclio/model_handler.py"
        handler.write_text("import runtimes.step\nraise RuntimeError('no')\n")
    add_environment(built, WAS_SET="x", WAS_NOT="y")
    monkeypatch.setenv("WAS_SET", "before")
    monkeypatch.delenv("WAS_NOT", raising=False)
    import runtimes.step  # noqa: F401

    modules, path, environment = own_modules(), list(sys.path), dict(os.environ)
    if starts:
        FunctionProcess(built, "cpu")(png())
    else:
        start_problem(built)
    assert own_modules() == modules
    assert sys.path == path
    assert dict(os.environ) == environment


def test_the_function_gets_the_environment_of_its_configuration(built: Path) -> None:
    add_environment(built, WORD="it is there")
    write_main(built, "reply = [WORD, os.environ['WORD']]", "WORD = os.environ['WORD']")
    assert FunctionProcess(built, "cpu")(png()).body == ["it is there", "it is there"]
    assert "WORD" not in os.environ


def test_an_environment_that_no_process_can_have_is_reported(built: Path) -> None:
    add_environment(built, WORD="a\0b")
    assert "cannot be started" in problem_of(lambda: FunctionProcess(built, "cpu")).what


@pytest.mark.slow
def test_nothing_is_written_to_the_functions_directory(built: Path) -> None:
    before = sorted(built.rglob("*"))
    FunctionProcess(built, "cpu")(png())
    assert sorted(built.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["elsewhere", '-it\'s "é" and\na line'])
def test_a_moved_directory_still_runs(built: Path, tmp_path: Path, name: str) -> None:
    moved = Path(shutil.move(built, tmp_path / name))
    assert FunctionProcess(moved, "cpu")(png()).body == [CAT, DOG]


@pytest.mark.slow
def test_a_relative_path(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(built.parent)
    assert FunctionProcess(Path(built.name), "cpu")(png()).body == [CAT, DOG]


@pytest.mark.slow
def test_a_deleted_current_folder(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert FunctionProcess(built, "cpu")(png()).body == [CAT, DOG]


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        (
            "import not_installed_here\n",
            "does not start: ModuleNotFoundError: No module named 'not_installed_here'",
            "install not_installed_here",
        ),
        ("raise RuntimeError('broken')\n", "does not start: RuntimeError: broken", ""),
        ("def\n", "does not start: SyntaxError: invalid syntax (model_handler.py, line 1)", ""),
        ("raise SystemExit(3)\n", "does not start: SystemExit: 3", ""),
        ("raise RuntimeError('\\udcff')\n", "does not start: RuntimeError: \udcff", ""),
    ],
)
def test_a_failed_start_says_why(built: Path, text: str, what: str, hint: str) -> None:
    (built / "nuclio/model_handler.py").write_text(text)
    problem = start_problem(built)
    assert (problem.what, problem.hint, problem.file) == (what, hint, built)
    assert (problem.found, problem.allowed) == ("", "")


def test_the_details_of_a_function_error_are_kept(built: Path) -> None:
    (built / "nuclio/model_handler.py").write_text(
        "from runtimes.errors import BadModel\n"
        "raise BadModel('what', where='where', found='found', allowed='allowed', hint='hint')\n"
    )
    problem = start_problem(built)
    assert problem == Problem(
        "what",
        file=built,
        path=("where",),
        found="found",
        allowed="allowed",
        hint="hint",
        rule=RULES[Fault.MODEL_MISMATCH],
    )


def test_a_fault_of_another_version_is_reported_without_its_code(built: Path) -> None:
    (built / "nuclio/model_handler.py").write_text(
        "from runtimes.errors import BadModel\nraise BadModel('what', fault='newer')\n"
    )
    problem = start_problem(built)
    assert (problem.what, problem.rule) == ("what", FUNCTION)


def test_an_altered_model_is_reported(built: Path) -> None:
    model = built / "nuclio/model.onnx"
    data = bytearray(model.read_bytes())
    data[-1] ^= 1
    model.unlink()
    model.write_bytes(data)
    problem = start_problem(built)
    assert problem.what == (
        "the model file model.onnx is not the one that the function was built with"
    )
    assert problem.found == f"{len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}"


def test_a_failed_start_shows_the_output(built: Path) -> None:
    text = "import os\nos.write(2, b'libcuda.so: no such file\\n')\nraise RuntimeError('broken')\n"
    (built / "nuclio/model_handler.py").write_text(text)
    assert start_problem(built).found == "output: libcuda.so: no such file"


@pytest.mark.slow
def test_a_backend_without_a_fallback_starts(built: Path) -> None:
    handler = built / "nuclio/model_handler.py"
    text = handler.read_text()
    assert '"gpu": OnnxRuntime(' in text
    handler.write_text(f'{text}\nBACKENDS["gpu"] = BACKENDS["cpu"]\n')
    with FunctionProcess(built, "gpu", allow_fallback=True) as function:
        assert function(png()).body == [CAT, DOG]


NOISE = """
    print("printed")
    os.write(1, b"to stdout\\n")
    os.write(2, b"to stderr\\n")
    import subprocess
    subprocess.run([sys.executable, "-c", "print('by a process')"])
    reply = [sys.stdin.read()]
"""


def test_output_of_the_function_does_not_disturb_the_messages(built: Path) -> None:
    write_main(built, NOISE.strip(), "print('at the start')")
    function = FunctionProcess(built, "cpu")
    assert function(png()).body == function(png()).body == [""]
    function.close()
    lines = ["printed", "to stdout", "to stderr", "by a process"]
    assert function.output == ["at the start", *lines, *lines]


@pytest.mark.slow
def test_output_before_the_first_message_is_skipped(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('noise ' * 1000)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    assert FunctionProcess(built, "cpu")(png()).body == [CAT, DOG]


@pytest.mark.slow
def test_the_last_lines_of_much_output_are_kept(built: Path) -> None:
    write_main(built, "print('x' * 100_000 + '\\n' + '\\n'.join(map(str, range(20_000))))")
    function = FunctionProcess(built, "cpu")
    assert function(png()).body == []
    function.close()
    assert function.output == [str(number) for number in range(19_900, 20_000)]


@pytest.mark.parametrize(
    ("program", "status", "hint"),
    [
        ("os.kill(os.getpid(), 11)", "signal SIGSEGV", ""),
        ("os._exit(3)", "exit status 3", ""),
        *quick_and_slow(
            [
                ("os.kill(os.getpid(), 9)", "signal SIGKILL", "free some memory"),
                ("os._exit(0)", "exit status 0", ""),
            ],
            quick=[],
        ),
    ],
)
@pytest.mark.parametrize("when", ["starting", "answering a request"])
def test_a_process_that_ends_is_reported_with_its_output(
    built: Path, program: str, status: str, hint: str, when: str
) -> None:
    program = f"print('a line\\n\\n\\x1b[31mlast words'); {program}"
    write_main(built, **{"start" if when == "starting" else "handler": program})
    function = FunctionProcess(built, "cpu")
    problem = problem_of(lambda: function(png()))
    assert problem.what == f"the process ended while {when}: {status}"
    assert (problem.file, problem.found) == (built, "output: a line | [31mlast words")
    assert problem.hint == hint


def test_a_process_that_ended_between_requests_is_reported(built: Path) -> None:
    function = FunctionProcess(write_main(built, PID), "cpu")
    pid = pid_of(function)
    os.kill(pid, signal.SIGKILL)
    assert has_ended(pid)
    problem = problem_of(lambda: function(png()))
    assert problem.what == "the process ended while answering a request: signal SIGKILL"
    assert problem.found == "no output"


@pytest.mark.parametrize(
    ("handler", "what"),
    [
        ("raise RuntimeError('broken')", "the handler failed: main.py:9: RuntimeError: broken"),
        ("sys.exit(3)", "the handler failed: main.py:9: SystemExit: 3"),
        ("return [1]", "'list' object has no attribute 'status_code'"),
        (
            "return context.Response(body='{', status_code=200)",
            "the response is not JSON: Expecting property name",
        ),
    ],
)
def test_a_handler_that_gives_no_json_response_is_reported(
    built: Path, handler: str, what: str
) -> None:
    write_main(built, f"if b'bad' in event.body:\n        {handler}")
    function = FunctionProcess(built, "cpu")
    problem = problem_of(lambda: function.send(b"bad", "text/plain"))
    assert what in problem.what
    assert problem.file == built
    # The function is still there.
    assert function.send(b"good", "text/plain").body == []


@pytest.mark.parametrize(
    ("body", "content_type", "received"),
    [
        ({"a": [1, None, "é"]}, "application/json", "{'a': [1, None, 'é']}"),
        (b'{"a": 1}', "application/json", "{'a': 1}"),
        (b'{"a": ', "application/json", "b'{\"a\": '"),
        (b"\xff", "application/json", "b'\\xff'"),
        (b'{"a": 1}', "text/plain", "b'{\"a\": 1}'"),
        (None, "application/json", "None"),
    ],
)
def test_a_body_is_decoded_as_nuclio_decodes_it(
    echo: FunctionProcess, body: object, content_type: str, received: str
) -> None:
    assert echo.send(body, content_type).body == [received, content_type, "POST", "/"]


@pytest.fixture(scope="module")
def echo(built_once: Path, tmp_path_factory: pytest.TempPathFactory) -> FunctionProcess:
    """A function that replies with what it received."""
    folder = Path(shutil.copytree(built_once, tmp_path_factory.mktemp("echo") / "boxes"))
    handler = "reply = [str(event.body), event.content_type, event.method, event.path]"
    return FunctionProcess(write_main(folder, handler), "cpu")


@pytest.mark.slow
def test_large_requests_and_replies(echo: FunctionProcess) -> None:
    body = b"x" * 40_000_000
    received, *_ = echo.send(body, "image/png").body
    assert received == str(body)


def test_the_process_ends_with_the_block(built: Path) -> None:
    with FunctionProcess(write_main(built, PID), "cpu") as function:
        pid = pid_of(function)
        assert pid != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    function.close()


def test_the_process_ends_with_an_exception_in_the_block(built: Path) -> None:
    pids = []

    def interrupted() -> None:
        with FunctionProcess(write_main(built, PID), "cpu") as function:
            pids.append(pid_of(function))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_the_process_ends_with_the_last_reference(built: Path) -> None:
    function = FunctionProcess(write_main(built, PID), "cpu")
    pid = pid_of(function)
    del function
    gc.collect()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_process_that_does_not_exit_is_killed(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.run.process._SECONDS_TO_EXIT", 0.2)
    # A call that keeps the GIL: no thread of the process notices that the pipe was closed.
    start = "import ctypes; print(os.getpid()); ctypes.PyDLL(None).pause()"
    function = FunctionProcess(write_main(built, start=start), "cpu")
    deadline = time.monotonic() + 20
    while not function.output and time.monotonic() < deadline:
        time.sleep(0.01)
    pid = int(function.output[0])
    function.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


PARENT = """
import signal
import sys
import time
from pathlib import Path
from builder.run import process
from builder.run.process import FunctionProcess

# A program that was started in the background inherits that SIGINT is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
with FunctionProcess(Path(sys.argv[1]), "cpu") as function:
    print(function(b"").body, flush=True)
    function(b"busy")
"""


@pytest.mark.parametrize(
    "sent",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_no_process_is_left_if_the_tool_is_ended(built: Path, sent: signal.Signals) -> None:
    """The function is busy meanwhile. Ctrl-C of a terminal reaches both processes."""
    busy = "reply = os.getpid()\n    if event.body['image']:\n        import time; time.sleep(600)"
    write_main(built, busy)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, built],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as tool:
        assert tool.stdout
        child = json.loads(tool.stdout.readline())
        watched = os.pidfd_open(child)
        if sent == signal.SIGINT:
            os.killpg(tool.pid, sent)
        else:
            tool.send_signal(sent)
        try:
            _, err = tool.communicate(timeout=30)
        finally:
            tool.kill()
        assert bool(select.select([watched], [], [], 10)[0])
        os.close(watched)
    assert tool.returncode == -sent
    if sent == signal.SIGINT:
        assert err.rstrip().endswith("KeyboardInterrupt")


def test_a_variant_that_was_not_built_is_reported(built: Path) -> None:
    (built / "nuclio/function-gpu.yaml").unlink()
    with pytest.raises(CommandLineError, match="is not a function built with the gpu variant"):
        FunctionProcess(built, "gpu")


@pytest.mark.slow
def test_the_log_keeps_the_last_lines(built_once: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_LOG_LINES", 2)
    with FunctionProcess(built_once, "cpu") as function:
        for status, image in ((200, png()), (400, b"text"), (200, png())):
            assert function(image).status == status
        assert [line.split()[1] for line in function.log] == ["400", "200"]
