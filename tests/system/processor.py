"""A built function behind Nuclio's own processor, as a child process on loopback."""

import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from builder.model.download import cache_folder

START_SECONDS = 180
"""Time that a function gets to start: readinessTimeoutSeconds of every built function."""

_REPLY_SECONDS = 60
_EXIT_SECONDS = 40


@dataclass(frozen=True, slots=True)
class Release:
    """The files of a Nuclio release that run Python functions.

    Attributes:
        version: the name of the release, such as `1.14.1`.
        folder: what its images contain as /home/nuclio/bin.
    """

    version: str
    folder: Path

    @property
    def processor(self) -> Path:
        """The program that Nuclio copies to /usr/local/bin of a function's image."""
        return self.folder / "processor"

    @property
    def wrapper(self) -> Path:
        """The module that it copies to /opt/nuclio, which calls the handler."""
        return self.folder / "py" / "_nuclio_wrapper.py"

    @property
    def nuctl(self) -> Path:
        """The command-line tool, which the images do not contain."""
        return self.folder / "nuctl"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP reply."""

    status: int
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


class Processor:
    """A running processor. Its environment is that of a container, and its ports are free ones.

    Its processes end with the `with` block.
    """

    def __init__(
        self,
        release: Release,
        code: Path,
        python: Path,
        folder: Path,
        *,
        change: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """Start the processor.

        Args:
            release: the Nuclio release.
            code: the folder of a built function, which is /opt/nuclio in an image.
            python: the interpreter of the workers.
            folder: an empty or a missing folder for configuration and output.
            change: edits function.yaml, such as the handler.
        """
        config = yaml.safe_load((code / "function.yaml").read_text("utf-8"))
        if change:
            change(config)
        self.port, health = _free_ports(2)
        # The only keys that a container does not need: its ports are its own.
        (trigger,) = config["spec"]["triggers"].values()
        trigger["url"] = f"127.0.0.1:{self.port}"
        platform = {
            "kind": "local",
            "webAdmin": {"enabled": False},
            "healthCheck": {"listenAddress": f"127.0.0.1:{health}"},
        }
        self._health = health
        folder.mkdir(exist_ok=True)
        self._arguments: list[str | Path] = [
            *(release.processor, "--config", folder / "processor.yaml"),
            *("--platform-config", folder / "platform.yaml"),
        ]
        (folder / "processor.yaml").write_text(yaml.safe_dump(config), "utf-8")
        (folder / "platform.yaml").write_text(yaml.safe_dump(platform), "utf-8")
        self._environment = _environment(config) | {
            "NUCLIO_PYTHON_WRAPPER_PATH": str(release.wrapper),
            "NUCLIO_PYTHON_EXE_PATH": str(python),
            "NUCLIO_PYTHON_PATH": str(code),
        }
        self._output = folder / "output.txt"
        self.start()

    def start(self) -> None:
        """Start the processor, also again after it has ended, as Docker does."""
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                self._arguments,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own, so that all its processes can be ended.
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        """Wait until the function has started."""
        try:
            self.wait_until_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait_until_ready(self) -> None:
        """Wait until the processor reports that all workers have started, and it listens."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"the processor has ended:\n{self.log}")
            try:
                if self._get("/ready") == 200:
                    socket.create_connection(("127.0.0.1", self.port)).close()
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the function has not started:\n{self.log}")

    def wait_until_ended(self) -> int:
        """Wait until the processor has ended; return its status, negative after a signal."""
        return self.process.wait(_EXIT_SECONDS)

    @property
    def log(self) -> str:
        """What the processor and its workers have printed: a container's log."""
        return self._output.read_text("utf-8", "backslashreplace")

    def lines(self, text: str) -> list[str]:
        """Return the lines of the log that contain a text."""
        return [line for line in self.log.splitlines() if text in line]

    def workers(self) -> list[int]:
        """Return the process IDs of the workers."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        return sorted(
            int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()
        )

    def post(
        self,
        body: object,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """Send a request as CVAT does.

        Args:
            body: bytes are sent unchanged, everything else as JSON.
            headers: additional headers.
            content_type: the header of that name.

        Raises:
            OSError, http.client.HTTPException: there is no reply.
        """
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_REPLY_SECONDS)
        try:
            connection.request("POST", "/", data, {"Content-Type": content_type, **(headers or {})})
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers["Content-Type"], reply.read())
        finally:
            connection.close()

    def _get(self, path: str) -> int:
        """Return the status of a path of the health check."""
        connection = http.client.HTTPConnection("127.0.0.1", self._health, timeout=_REPLY_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()


def _environment(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of the function's container, from the directives and function.yaml."""
    variables = {"PATH": os.defpath, "LANG": "C.UTF-8"}
    directives = config["spec"]["build"]["directives"]
    for directive in [*directives["preCopy"], *directives.get("postCopy", ())]:
        if directive["kind"] == "ENV":
            name, _, value = directive["value"].partition("=")
            variables[name] = value
    variables |= {item["name"]: item["value"] for item in config["spec"]["env"]}
    # This machine's processor may need them for correct results of OpenBLAS.
    return variables | {key: it for key, it in os.environ.items() if key.startswith("OPENBLAS_")}


def _free_ports(count: int) -> list[int]:
    """Return free TCP ports."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [it.getsockname()[1] for it in sockets]
    for it in sockets:
        it.close()
    return ports


def python_of(requirements: Path) -> Path:
    """Return the interpreter of a virtual environment as Nuclio leaves it in an image.

    The environment stays in the cache of downloads.

    Args:
        requirements: the function's packages. Nuclio adds nuclio-sdk and msgpack; the versions are
            those of Nuclio 1.14.
    """
    nuclio = ["nuclio-sdk==0.5.13", "msgpack==1.0.8"]
    text = "\n".join([sys.version, *nuclio, requirements.read_text("utf-8")])
    digest = hashlib.sha256(text.encode()).hexdigest()
    folder = cache_folder() / "system-tests" / f"venv-{digest[:16]}"
    python, complete = folder / "bin" / "python", folder / "complete"
    if not complete.exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install: list[str | Path] = [python, "-m", "pip", "install", "--quiet"]
        exact: list[str | Path] = ["--no-deps", "--require-hashes", "--requirement", requirements]
        subprocess.run([*install, *exact], check=True)
        subprocess.run([*install, *nuclio], check=True)
        complete.touch()
    return python
