"""Built functions behind Nuclio's own processor and Python wrapper."""

import base64
import http.client
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import cv2
import pytest

from builder.run.process import FunctionProcess
from tests.paths import MANIFESTS
from tests.runtimes.trackers import correlators
from tests.scenes import scene
from tests.system.processor import Answer, Processor, Release

pytestmark = pytest.mark.system

SCENES = sorted((MANIFESTS / "scenes" / "images" / "val").iterdir())[:2]

PROBE = '''
"""The function's handler with faults that a request's headers select."""

import os
import time

import main

init_context = main.init_context


def handler(context, event):
    time.sleep(float(event.headers.get("X-Sleep", 0)))
    if "X-Abort" in event.headers:
        os.abort()
    return main.handler(context, event)
'''


def encoded(data: bytes) -> str:
    """An image file as requests contain it."""
    return base64.b64encode(data).decode()


def example_request(name: str) -> dict[str, Any]:
    """A request that an example function answers with at least one object."""
    first, second = (cv2.imencode(".png", frame)[1].tobytes() for frame, _ in correlators.film(2))
    (_, box), _ = correlators.film(2)
    drawn = scene()
    x, y = drawn.inside["disc"]
    requests: dict[str, dict[str, Any]] = {
        "yolo": {"image": encoded(SCENES[0].read_bytes())},
        "sam-demo": {
            "image": encoded(drawn.png),
            "pos_points": [[int(x), int(y)]],
            "neg_points": [],
        },
        "tracker-demo": {
            "image": encoded(first),
            "shapes": [{"type": "rectangle", "points": box.tolist()}],
            "states": [],
        },
        "reid-demo": {
            "image0": encoded(first),
            "image1": encoded(second),
            "boxes0": [{"points": box.tolist()}],
            "boxes1": [{"points": box.tolist()}],
        },
    }
    return requests[name]


def _with_probe(code: Path, folder: Path) -> Path:
    """Copy a built function, and add the handler PROBE to it."""
    copy = folder / "code"
    shutil.copytree(code, copy)
    (copy / "probe.py").write_text(PROBE, "utf-8")
    return copy


def _use_probe(config: dict[str, Any]) -> None:
    """Change the handler in function.yaml, and wait less for a free worker."""
    config["spec"]["handler"] = "probe:handler"
    (trigger,) = config["spec"]["triggers"].values()
    trigger["workerAvailabilityTimeoutMilliseconds"] = 300


def _settled(processor: Processor, request: object) -> Answer:
    """Repeat a request while its worker starts again; return the first reply that is not 5xx."""
    for _ in range(1200):
        try:
            answer = processor.post(request)
        except (OSError, http.client.HTTPException):
            answer = None
        if answer and answer.status < 500:
            return answer
        Event().wait(0.05)
    raise AssertionError(f"no worker has started again:\n{processor.log}")


@pytest.mark.parametrize("name", ["yolo", "sam-demo", "tracker-demo", "reid-demo"])
def test_each_function_type_replies_as_in_a_process(
    name: str, release: Release, example: Callable[..., Path], python: Path, tmp_path: Path
) -> None:
    request = example_request(name)
    folder = example(name)
    with closing(FunctionProcess(folder, "cpu")) as function:
        expected = function.send(request, "application/json")
    assert expected.status == 200
    assert expected.body
    with Processor(release, folder / "nuclio", python, tmp_path / "run") as processor:
        answer = processor.post(request)
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert answer.body.decode() == expected.text
        # Nuclio parses bodies of exactly this type, and passes others as bytes.
        charset = processor.post(request, content_type="application/json; charset=utf-8")
        assert charset == answer
        bad = processor.post({"image": "?"})
        assert bad.status == 400
        assert set(bad.json) == {"error"}
        # One line for the start of each worker, and one for each request.
        workers = processor.workers()
        assert len(processor.lines(" cpu: OpenVINO ")) == len(workers)
        assert len(processor.lines(" 200 ")) == 2
        assert len(processor.lines(" 400 bad request: ")) == 1


@pytest.fixture(scope="module")
def detector(
    release: Release,
    example: Callable[..., Path],
    python: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Processor]:
    """The example detector with two workers and the handler PROBE, for tests that end no worker."""
    folder = tmp_path_factory.mktemp("detector")
    code = _with_probe(example("yolo") / "nuclio", folder)
    with Processor(release, code, python, folder / "run", change=_use_probe) as processor:
        yield processor


def test_concurrent_requests_get_the_reply_to_their_ownencoded(detector: Processor) -> None:
    bodies = [{"image": encoded(it.read_bytes())} for it in SCENES]
    alone = [detector.post(body) for body in bodies]
    assert alone[0].body != alone[1].body
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(detector.post, bodies * 20))
    assert together == alone * 20


def test_a_request_gets_503_while_no_worker_is_free(detector: Processor) -> None:
    request = example_request("yolo")
    count = len(detector.workers())
    with ThreadPoolExecutor(count) as pool:
        busy = [pool.submit(detector.post, request, {"X-Sleep": "2"}) for _ in range(count)]
        Event().wait(0.5)
        assert detector.post(request).status == 503
        assert [it.result().status for it in busy] == [200] * count
    assert detector.post(request).status == 200


def test_a_request_above_the_maximum_size_does_not_reach_the_function(
    release: Release, example: Callable[..., Path], python: Path, tmp_path: Path
) -> None:
    lines = "variants: {cpu: {max_request_size: 8Mi, workers: 1}}\n"
    code = example("yolo", lines) / "nuclio"
    request = example_request("yolo")
    with Processor(release, code, python, tmp_path / "run") as processor:
        padded = request | {"padding": ""}
        padded["padding"] = "x" * (8 * 2**20 - len(json.dumps(padded)))
        assert processor.post(padded).status == 200
        padded["padding"] += "x"
        # Nuclio replies and closes the connection, maybe before the request has been sent.
        with suppress(OSError):
            assert processor.post(padded).status in (400, 413)
        assert processor.post(request).status == 200
        assert len(processor.lines(" 200 ")) == 2
        assert len(processor.lines("body size exceeds the given limit")) == 1


def test_event_timeout_gives_408_and_a_new_worker(
    release: Release, example: Callable[..., Path], python: Path, tmp_path: Path
) -> None:
    lines = "variants: {cpu: {event_timeout: 5s, workers: 1}}\n"
    code = _with_probe(example("yolo", lines) / "nuclio", tmp_path)
    request = example_request("yolo")
    with Processor(release, code, python, tmp_path / "run", change=_use_probe) as processor:
        (before,) = processor.workers()
        expected = _settled(processor, request)
        assert processor.post(request, {"X-Sleep": "60"}).status == 408
        assert _settled(processor, request) == expected
        (after,) = processor.workers()
        assert after != before


def test_a_crash_of_a_worker_ends_the_processor_and_a_restart_brings_it_back(
    release: Release, example: Callable[..., Path], python: Path, tmp_path: Path
) -> None:
    code = _with_probe(example("yolo") / "nuclio", tmp_path)
    request = example_request("yolo")
    with Processor(release, code, python, tmp_path / "run", change=_use_probe) as processor:
        expected = processor.post(request)
        with suppress(OSError, http.client.HTTPException):
            assert processor.post(request, {"X-Abort": "1"}).status == 500
        # Docker's restart policy in function.yaml restarts a container that has ended.
        assert processor.wait_until_ended() != 0
        assert processor.lines("exited unexpectedly with: signal: aborted")
        processor.close()
        processor.start()
        processor.wait_until_ready()
        assert processor.post(request) == expected


def test_a_killed_worker_loses_only_requests_in_progress(
    release: Release, example: Callable[..., Path], python: Path, tmp_path: Path
) -> None:
    """The processor ends when a worker dies, so that requests to other workers fail too."""
    code = example("yolo") / "nuclio"
    request = example_request("yolo")
    with Processor(release, code, python, tmp_path / "run") as processor:
        workers = processor.workers()
        expected = processor.post(request)
        loaded = Barrier(len(workers) + 1)

        def client() -> tuple[int, list[Answer]]:
            """Send requests until one fails; return the number of replies, and other failures."""
            count = 0
            failures: list[Answer] = []
            with suppress(OSError, http.client.HTTPException):
                while not failures:
                    answer = processor.post(request)
                    if answer != expected:
                        failures.append(answer)
                        continue
                    count += 1
                    if count == 10:
                        loaded.wait(60)
            return count, failures

        with ThreadPoolExecutor(len(workers)) as pool:
            clients = [pool.submit(client) for _ in workers]
            loaded.wait(60)
            os.kill(workers[0], signal.SIGKILL)
            assert processor.wait_until_ended() != 0
            for it in clients:
                count, failures = it.result()
                assert count >= 10
                assert all(answer.status == 500 for answer in failures)
        # Docker restarts the container.
        processor.close()
        processor.start()
        assert _settled(processor, request) == expected


def test_sigterm_finishes_the_request_in_progress(
    release: Release, example: Callable[..., Path], python: Path, tmp_path: Path
) -> None:
    code = _with_probe(example("yolo") / "nuclio", tmp_path)
    request = example_request("yolo")
    with Processor(release, code, python, tmp_path / "run", change=_use_probe) as processor:
        expected = processor.post(request)
        with ThreadPoolExecutor(1) as pool:
            late: Future[Answer] = pool.submit(processor.post, request, {"X-Sleep": "1"})
            Event().wait(0.3)
            processor.process.terminate()
            assert late.result() == expected
        assert processor.wait_until_ended() == 0


def test_a_function_without_its_variant_does_not_start(
    release: Release, example: Callable[..., Path], python: Path, tmp_path: Path
) -> None:
    def remove_env(config: dict[str, Any]) -> None:
        config["spec"]["env"] = []

    code = example("yolo") / "nuclio"
    with closing(
        Processor(release, code, python, tmp_path / "run", change=remove_env)
    ) as processor:
        assert processor.wait_until_ended() != 0
        assert processor.lines("the environment variable CVATBUILD_VARIANT is not the name of")


def test_a_function_with_an_altered_model_does_not_start(
    release: Release, example: Callable[..., Path], python: Path, tmp_path: Path
) -> None:
    code = _with_probe(example("yolo") / "nuclio", tmp_path)
    model = code / "model.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.unlink()
    model.write_bytes(data)
    with closing(Processor(release, code, python, tmp_path / "run")) as processor:
        assert processor.wait_until_ended() != 0
        assert processor.lines("the model file model.onnx is not the one that the function was")
