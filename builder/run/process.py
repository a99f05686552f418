"""A built function in a child process, called as Nuclio calls it."""

import json
import os
import re
import signal
import subprocess
import sys
import weakref
from collections import deque
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import IO, Self

import numpy as np

from builder.diagnostics.errors import BuiltError
from builder.diagnostics.faults import problem_of
from builder.diagnostics.problem import Problem
from builder.manifest.variants import VariantName
from builder.run import worker
from builder.run.function import DescribedFunction, Reply
from builder.targets.built import describe
from runtimes.arrays import Array
from runtimes.errors import Fault, FunctionError

_SECONDS_TO_EXIT = 5.0
"""Time that a child gets to exit before it is killed."""

_OUTPUT_LINES = 100
"""Lines of a child's output that are kept."""

_LINE_BYTES = 1000
"""Longer lines are broken."""

_LOG_LINES = 1000
"""Lines of a function's log that are kept."""

_ERROR_LINES = 5
"""Lines of a child's output that an error shows."""


class FunctionProcess(DescribedFunction):
    """A child process that runs one variant of a built function.

    The child starts at once; `wait_until_started`, the `with` statement and the first request wait
    until the function has loaded its models. The process ends with the `with` block, with `close`,
    or when the object is no longer referenced. Only one thread may use it, but any may call
    `kill`.

    Attributes:
        log: the last lines that the function has logged, each `level: message`.
    """

    def __init__(
        self,
        folder: Path,
        variant: VariantName,
        *,
        allow_fallback: bool = False,
        low_memory: bool = False,
    ) -> None:
        """Start the process.

        Args:
            folder: directory of a built function, such as build/yolo.
            variant: the variant to run.
            allow_fallback: let the function start without the variant's device, if its backend can
                do without; see Backend.fallback.
            low_memory: let the function use less memory and more time; see Backend.low_memory.

        Raises:
            BuiltError: the directory is not a complete function, or no process can be started.
        """
        self._description = description = describe(folder, variant)
        self.log: list[str] = []
        self._folder = folder
        self._started = False
        self._output: deque[bytes] = deque(maxlen=_OUTPUT_LINES)
        try:
            self._process = subprocess.Popen(  # noqa: S603
                # Unbuffered, so that the output is complete if the child crashes; without bytecode
                # files and without the folder of worker.py among the module folders.
                [sys.executable, "-u", "-B", "-P", worker.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=description.code_folder,
                env={**os.environ, **description.environment},
            )
        except (OSError, ValueError) as error:
            raise BuiltError(Problem(f"cannot be started: {error}", file=folder)) from error
        assert self._process.stdin
        assert self._process.stdout
        drain = Thread(target=_drain, args=(self._process.stderr, self._output), daemon=True)
        drain.start()
        self._end = weakref.finalize(self, _end, self._process, drain)
        self._channel = worker.Channel(self._process.stdout, self._process.stdin)
        changes = _changes(variant, allow_fallback, low_memory)
        self._send(worker.Start(str(description.code_folder), changes))

    def __enter__(self) -> Self:
        """Wait until the function has started; see wait_until_started."""
        self.wait_until_started()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The ID of the process."""
        return self._process.pid

    @property
    def peak_memory(self) -> int | None:
        """The highest resident set size of the process so far in bytes; None if it is unknown.

        Source: proc_pid_status(5), VmHWM.
        """
        try:
            status = Path(f"/proc/{self.pid}/status").read_text("ascii", "replace")
        except OSError:
            return None
        found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.M)
        return int(found[1]) * 1024 if found else None

    @property
    def warnings(self) -> list[str]:
        """The warnings in the log, such as a fallback to the CPU."""
        return [line.removeprefix("warn: ") for line in self.log if line.startswith("warn: ")]

    def wait_until_started(self) -> None:
        """Wait until the function has loaded its models.

        Raises:
            BuiltError: it does not start.
        """
        if self._started:
            return
        try:
            with suppress(EOFError):
                self._channel.skip_to_mark()
            message = self._receive("while starting")
        except BaseException:
            self.close()
            raise
        if isinstance(message, worker.StartFailed):
            self.close()
            raise self._error(message, self._last_lines())
        assert isinstance(message, worker.Started)
        self._started = True
        self.log += message.log

    def send(self, body: object, content_type: str) -> Reply:
        """Send a request; see Function.send.

        Raises:
            BuiltError: the function does not start, its process ends, its handler raises an
                exception, or the response is not JSON.
        """
        self.wait_until_started()
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self._send(worker.Request(content_type, data))
            message = self._receive("while answering a request")
        except BaseException:
            # The reply to this request would be taken for that to the next.
            self.close()
            raise
        if isinstance(message, worker.RequestFailed):
            raise BuiltError(Problem(f"the handler failed: {message.error}", file=self._folder))
        assert isinstance(message, worker.Response)
        self.log += message.log
        del self.log[:-_LOG_LINES]
        try:
            text = message.body.decode()
            return Reply(
                message.status, json.loads(text), text, message.milliseconds, message.stages
            )
        except ValueError as error:
            problem = Problem(f"the response is not JSON: {error}", file=self._folder)
            raise BuiltError(problem) from error

    def examine(self, image: bytes) -> dict[str, Array]:
        """Return what the function's model finds in an image, before anything is dropped.

        Args:
            image: an image file.

        Returns:
            The arrays that `examine` of the function's class in `runtimes` returns.

        Raises:
            BuiltError: the function does not start, its process ends, or a step raises an
                exception.
        """
        self.wait_until_started()
        try:
            self._send(worker.Examine(image))
            message = self._receive("while examining an image")
        except BaseException:
            self.close()
            raise
        if isinstance(message, worker.RequestFailed):
            what = f"the function failed: {message.error}"
            raise BuiltError(Problem(what, file=self._folder))
        if isinstance(message, worker.Refused):
            raise self._error(message)
        assert isinstance(message, worker.Examined)
        with np.load(BytesIO(message.body), allow_pickle=False) as arrays:
            return dict(arrays)

    def close(self) -> None:
        """End the process. Nothing happens if it has ended before."""
        self._end()

    def kill(self) -> None:
        """End the process at once, from any thread; what waits for it raises a BuiltError."""
        self._process.kill()

    @property
    def output(self) -> list[str]:
        """The last lines that the function and its libraries have printed."""
        lines = [line.decode("utf-8", "replace") for line in list(self._output)]
        return [line.rstrip() for line in lines if line.strip()]

    def _send(self, message: worker.Message) -> None:
        # If the child has ended, the next `_receive` raises an error that says how.
        with suppress(BrokenPipeError):
            self._channel.send(message)

    def _receive(self, when: str) -> worker.Message:
        """Return the next message.

        Raises:
            BuiltError: the child has ended.
        """
        try:
            return self._channel.receive()
        except EOFError:
            status = _exit_status(self._process)
            self.close()
            raise BuiltError(
                Problem(
                    f"the process ended {when}: {status}",
                    file=self._folder,
                    found=self._last_lines() or "no output",
                    # The system kills processes that need more memory than there is.
                    hint="free some memory" if status == "signal SIGKILL" else "",
                )
            ) from None

    def _error(self, failed: worker.StartFailed | worker.Refused, output: str = "") -> BuiltError:
        """Return the error that the function raised, with the process's output."""
        fault = Fault(failed.fault) if failed.fault in list(Fault) else None
        problem = problem_of(
            FunctionError(
                failed.what,
                where=failed.where,
                found="; ".join(filter(None, (failed.found, output))),
                allowed=failed.allowed,
                hint=failed.hint,
                fault=fault,
            )
        )
        return BuiltError(replace(problem, file=self._folder))

    def _last_lines(self) -> str:
        """Return the end of the output as one line; empty if there is no output."""
        text = " | ".join(self.output[-_ERROR_LINES:])
        visible = "".join(letter for letter in text if letter.isprintable())
        return f"output: {visible}" if visible else ""


def _changes(variant: VariantName, allow_fallback: bool, low_memory: bool) -> dict[str, object]:
    """Return the fields to replace in a variant's backends."""
    if not allow_fallback and not low_memory:
        return {}
    # Imported here, since `predict` does not need it.
    from builder.backends.registry import backends_of

    found: dict[str, object] = {}
    for backend in backends_of(variant):
        found |= (backend.fallback if allow_fallback else {}) | (
            backend.low_memory if low_memory else {}
        )
    return found


def _exit_status(process: subprocess.Popen[bytes]) -> str:
    """Return how a process ended that has closed its pipe."""
    try:
        code = process.wait(_SECONDS_TO_EXIT)
    except subprocess.TimeoutExpired:
        return "it closed its connection to the tool"
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _drain(stream: IO[bytes], lines: deque[bytes]) -> None:
    """Read lines until the stream ends, so that the child never waits for it."""
    with stream:
        lines.extend(iter(lambda: stream.readline(_LINE_BYTES), b""))


def _end(process: subprocess.Popen[bytes], drain: Thread) -> None:
    """Close the pipe, whereupon the child exits; kill it if it does not."""
    for stream in (process.stdin, process.stdout):
        # Closing writes what is buffered, which fails if the child has ended.
        with suppress(OSError):
            stream.close()  # type: ignore[union-attr]
    try:
        process.wait(_SECONDS_TO_EXIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # A process that the child started may keep the stream open.
    drain.join(_SECONDS_TO_EXIT)
