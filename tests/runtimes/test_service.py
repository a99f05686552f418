import io
import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import nuclio_sdk
import numpy as np
import pytest
from nuclio_sdk.logger import JSONFormatter

from runtimes.arrays import Array
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from runtimes.clock import Clock
from runtimes.errors import BadModel, BadRequest, BadStart, NoDevice
from runtimes.service import VARIANT, Service, parse
from runtimes.signature import Signature

BACKENDS: dict[str, Backend] = {"cpu": OpenVino(), "gpu": OnnxRuntime()}


class Recorder:
    """A logger that records its messages."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def debug(self, message: str) -> None:
        self.lines.append(("debug", message))

    def info(self, message: str) -> None:
        self.lines.append(("info", message))

    def warn(self, message: str) -> None:
        self.lines.append(("warn", message))

    def error(self, message: str) -> None:
        self.lines.append(("error", message))

    def of(self, level: str) -> list[str]:
        return [message for kind, message in self.lines if kind == level]


class Idle:
    """The session of a function without a model."""

    signature = Signature((), ())
    device = "a device"

    def __init__(self, warning: str) -> None:
        self.warning = warning

    def read(self, names: Iterable[str]) -> None:
        raise NotImplementedError

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        raise NotImplementedError


class Echo:
    """A started function that replies with its request, or with a given reply."""

    def __init__(self, reply: object = None, warning: str = "") -> None:
        self.reply = reply
        self.session = Idle(warning)

    def describe(self) -> str:
        return "takes anything"

    def __call__(self, request: Mapping[str, Any], clock: Clock) -> object:
        with clock.stage("work"):
            if isinstance(self.reply, BaseException):
                raise self.reply
        return [dict(request)] if self.reply is None else self.reply

    def examine(self, pixels: Array) -> dict[str, Array]:
        return {"pixels": pixels}


class Description:
    """A function that starts as `started`, and records the arguments of the start."""

    def __init__(self, started: Echo | Exception) -> None:
        self.started = started
        self.calls: list[tuple[Backend, Path]] = []

    def start(self, backend: Backend, folder: Path) -> Echo:
        self.calls.append((backend, folder))
        if isinstance(self.started, Exception):
            raise self.started
        return self.started


def send(function: Echo, body: object, log: Recorder | None = None) -> Any:
    context = nuclio_sdk.Context(logger=log or Recorder())
    return Service(function).answer(context, nuclio_sdk.Event(body=body))


@pytest.mark.parametrize(
    "body",
    [
        {"image": "äbc", "threshold": 0.5},
        '{"image": "äbc", "threshold": 0.5}',
        '{"image": "äbc", "threshold": 0.5}'.encode(),
        bytearray('{"image": "äbc", "threshold": 0.5}'.encode()),
    ],
    ids=["dict", "str", "bytes", "bytearray"],
)
def test_a_json_object_in_any_form_is_answered(body: object) -> None:
    response = send(Echo(), body)
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert type(response.body) is str
    assert json.loads(response.body) == [{"image": "äbc", "threshold": 0.5}]


def test_the_response_has_the_form_that_nuclio_passes_on() -> None:
    response = send(Echo(), {"image": "ä"})
    sent = nuclio_sdk.Response.from_entrypoint_output(json.dumps, response)
    assert json.loads(sent["body"]) == [{"image": "ä"}]
    assert sent["body_encoding"] == "text"
    assert (sent["status_code"], sent["content_type"]) == (200, "application/json")


@pytest.mark.parametrize(
    ("reply", "summary"),
    [([], "200 0 items; "), ([{}, {}], "200 2 items; "), ({"a": 1}, "200 answered; ")],
)
def test_the_log_line_counts_items_and_lists_stages(reply: object, summary: str) -> None:
    log = Recorder()
    response = send(Echo(reply), {}, log)
    assert json.loads(response.body) == reply
    ((level, line),) = log.lines
    assert level == "info"
    assert line.startswith(summary)
    stages = [part.split()[0] for part in line.removeprefix(summary).split(", ")]
    assert stages == ["work", "serialize", "total"]
    assert line.endswith(" ms")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is not JSON"),
        ("", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        ('{"threshold": NaN}', "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        ("\ud800", "the body is not JSON"),
        (b"[1, 2]", "must be a JSON object; found: list"),
        ("null", "must be a JSON object; found: NoneType"),
        ('"text"', "must be a JSON object; found: str"),
        (b"7", "must be a JSON object; found: int"),
        (None, "must be a JSON object; found: NoneType"),
        ([{}], "must be a JSON object; found: list"),
    ],
)
def test_a_body_that_is_not_a_json_object_is_a_bad_request(body: object, reason: str) -> None:
    log = Recorder()
    response = send(Echo(), body, log)
    assert response.status_code == 400
    assert response.content_type == "application/json"
    assert type(response.body) is str
    assert reason in json.loads(response.body)["error"]
    ((level, line),) = log.lines
    assert level == "info"
    assert line.startswith("400 bad request: ")
    assert reason in line


def test_parse_returns_a_decoded_object_unchanged() -> None:
    body = {"image": "x"}
    assert parse(body) is body


def test_a_bad_request_gets_400_and_the_full_reason() -> None:
    reason = BadRequest("must be a number", where="threshold", found="'x'", allowed="0 to 1")
    log = Recorder()
    response = send(Echo(reason), {}, log)
    assert response.status_code == 400
    text = "threshold: must be a number; found: 'x'; allowed: 0 to 1"
    assert json.loads(response.body) == {"error": text}
    assert type(response.body) is str
    assert [line.startswith(f"400 bad request: {text}; work ") for line in log.of("info")] == [True]
    assert log.of("error") == []


@pytest.mark.parametrize(
    "error",
    [RuntimeError("out of luck"), KeyError("out of luck"), BadModel("out of luck"), MemoryError()],
)
def test_any_other_error_gets_500_and_its_traceback_stays_in_the_log(error: Exception) -> None:
    log = Recorder()
    response = send(Echo(error), {}, log)
    assert response.status_code == 500
    assert response.content_type == "application/json"
    assert type(response.body) is str
    assert json.loads(response.body) == {"error": f"{type(error).__name__}: {error}"}
    (trace,) = log.of("error")
    assert "Traceback (most recent call last)" in trace
    assert "test_service.py" in trace
    (line,) = log.of("info")
    assert line.startswith(f"500 failed: {type(error).__name__}; ")


def test_a_reply_that_is_not_json_gets_500() -> None:
    response = send(Echo([{"points": {1, 2}}]), {})
    assert response.status_code == 500
    assert "error" in json.loads(response.body)


@pytest.mark.parametrize("message", ["x" * 10_000, "é" * 10_000, "line\n" * 3000])
def test_a_long_message_is_truncated_for_the_caller(message: str) -> None:
    response = send(Echo(RuntimeError(message)), {})
    assert response.status_code == 500
    text = json.loads(response.body)["error"]
    assert text.startswith(f"RuntimeError: {message[:100]}")
    assert len(text) <= 300


def test_a_message_that_utf8_cannot_encode_is_answered() -> None:
    # Python's own spelling of a file name that is not UTF-8.
    response = send(Echo(OSError("no file \udcff.onnx")), {})
    assert response.status_code == 500
    assert "OSError: no file" in json.loads(response.body)["error"]


@pytest.mark.parametrize("message", ["x" * 10_000, '"\n' * 5000, "é" * 10_000, "\\" * 10_000])
def test_the_traceback_in_the_log_fits_nuclios_line(
    message: str, request: pytest.FixtureRequest
) -> None:
    name = request.node.name
    written = io.StringIO()
    logger = nuclio_sdk.Logger(logging.DEBUG, name)
    logger.set_handler("default", written, JSONFormatter())
    context = nuclio_sdk.Context(logger=logger)
    response = Service(Echo(RuntimeError(message))).answer(context, nuclio_sdk.Event(body={}))
    assert response.status_code == 500
    error, info = written.getvalue().splitlines()
    assert json.loads(error)["level"] == "error"
    assert json.loads(info)["level"] == "info"
    # Nuclio drops a line of 4096 bytes or more.
    assert len(error.encode()) < 4096
    assert len(info.encode()) < 4096


@pytest.mark.parametrize(
    "failure", [RuntimeError("once"), BadRequest("once"), ValueError("x" * 10_000)]
)
def test_the_request_after_a_failure_is_answered(failure: Exception) -> None:
    function = Echo(failure)
    service = Service(function)
    context = nuclio_sdk.Context(logger=Recorder())
    event = nuclio_sdk.Event(body={"image": "x"})
    assert service.answer(context, event).status_code in (400, 500)
    function.reply = None
    assert json.loads(service.answer(context, event).body) == [{"image": "x"}]


@pytest.mark.parametrize(
    ("reply", "status"), [(None, 200), (BadRequest("bad"), 400), (RuntimeError("worse"), 500)]
)
def test_a_warning_is_repeated_in_every_requests_log_line(reply: object, status: int) -> None:
    log = Recorder()
    service = Service(Echo(reply, warning="running on the CPU: no driver"))
    context = nuclio_sdk.Context(logger=log)
    for _ in range(2):
        service.answer(context, nuclio_sdk.Event(body={}))
    lines = log.of("info")
    assert len(lines) == 2
    assert all(line.startswith(f"{status} ") for line in lines)
    assert all(line.endswith(" ms; running on the CPU: no driver") for line in lines)


@pytest.mark.parametrize("variant", ["cpu", "gpu"])
def test_start_uses_the_backend_of_the_variant_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variant: str
) -> None:
    monkeypatch.setenv(VARIANT, variant)
    log, function = Recorder(), Description(Echo())
    service = Service.start(function, BACKENDS, tmp_path, log)
    assert function.calls == [(BACKENDS[variant], tmp_path)]
    ((level, line),) = log.lines
    assert level == "info"
    count = cv2.getNumThreads()
    threads = f"{count} thread{'s' if count > 1 else ''}"
    assert line.startswith(f"{variant}: a device, {threads}; takes anything; load and warm up ")
    answer = service.answer(nuclio_sdk.Context(logger=log), nuclio_sdk.Event(body={}))
    assert answer.status_code == 200


@pytest.mark.parametrize("threads", [1, 2])
def test_opencv_uses_the_threads_of_one_worker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, threads: int
) -> None:
    monkeypatch.setenv(VARIANT, "cpu")
    log, before = Recorder(), cv2.getNumThreads()
    try:
        Service.start(Description(Echo()), {"cpu": OpenVino(threads)}, tmp_path, log)
        assert cv2.getNumThreads() == threads
    finally:
        cv2.setNumThreads(before)
    assert f", {threads} thread" in log.of("info")[0]


def test_start_logs_the_warning_of_a_fallback_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIANT, "gpu")
    log = Recorder()
    Service.start(Description(Echo(warning="running on the CPU")), BACKENDS, tmp_path, log)
    assert log.of("warn") == ["running on the CPU"]


@pytest.mark.parametrize("variant", [None, "", "GPU", "tpu"])
def test_an_unknown_variant_fails_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variant: str | None
) -> None:
    if variant is None:
        monkeypatch.delenv(VARIANT, raising=False)
    else:
        monkeypatch.setenv(VARIANT, variant)
    function = Description(Echo())
    with pytest.raises(BadStart) as caught:
        Service.start(function, BACKENDS, tmp_path, Recorder())
    error = caught.value
    assert "CVATBUILD_VARIANT" in error.what
    assert (error.found, error.allowed) == (repr(variant or ""), "cpu, gpu")
    assert "function-gpu.yaml" in error.hint
    assert function.calls == []


@pytest.mark.parametrize("failure", [NoDevice("no GPU"), BadModel("no model")])
def test_an_error_at_the_start_is_raised(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failure: Exception
) -> None:
    monkeypatch.setenv(VARIANT, "cpu")
    with pytest.raises(type(failure)) as caught:
        Service.start(Description(failure), BACKENDS, tmp_path, Recorder())
    assert caught.value is failure


def test_an_examination_passes_the_decoded_image_on() -> None:
    _, data = cv2.imencode(".png", np.full((2, 3, 3), 7, np.uint8))
    assert Service(Echo()).examine(data.tobytes())["pixels"].tolist() == [[[7, 7, 7]] * 3] * 2


class Warned(Echo):
    """A started function that warns about each request."""

    def __call__(self, request: Mapping[str, Any], clock: Clock) -> object:
        clock.warn("a first warning")
        clock.warn("x" * 5000)
        return super().__call__(request, clock)


def test_warnings_of_a_request_are_lines_of_their_own() -> None:
    log = Recorder()
    assert send(Warned([]), {}, log).status_code == 200
    assert [level for level, _ in log.lines] == ["warn", "warn", "info"]
    first, second = log.of("warn")
    assert first == "a first warning"
    assert 3000 < len(second) < 4096
