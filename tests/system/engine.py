"""A private Docker Engine, and a base image like python:3.11-slim made of Debian's packages.

`python -m tests.system.engine COMMAND ARGUMENT...` runs a command while the engine runs, by default
a shell:

    python -m tests.system.engine docker build --network host .

It needs root, and the Debian packages `docker.io` and `debootstrap`. The engine neither sets up
bridges nor changes firewall rules, so containers have the network of the host (`--network host`) or
none. Images stay in the cache folder; see CVATBUILD_CACHE.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

from builder.model.download import cache_folder

BASE_IMAGE = "python:3.11-slim"
"""The base image that functions name, and the name that the image of `base_image` has."""

_START_SECONDS = 60
_STOP_SECONDS = 60

_MACHINE_FILES = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
"""Files with which pip reaches its index on this machine."""


def missing() -> str:
    """Return why no engine can run on this machine; empty if one can."""
    absent = [it for it in ("dockerd", "docker", "debootstrap") if not shutil.which(it)]
    if absent:
        return f"not installed: {', '.join(absent)}"
    return "" if os.geteuid() == 0 else "dockerd needs root"


class Engine:
    """A Docker Engine of its own, with its own data, socket and process ID file.

    It ends with the `with` block, and its containers and volumes with it. Images stay.

    Attributes:
        host: the value of DOCKER_HOST for clients.
    """

    def __init__(self) -> None:
        """Start the engine.

        Raises:
            AssertionError: it does not start; the message has its log.
        """
        data = cache_folder() / "system-tests" / "docker"
        data.mkdir(parents=True, exist_ok=True)
        # The paths of sockets are limited to 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="cvatbuild-docker-"))
        self.host = f"unix://{self._folder}/docker.sock"
        self._log = self._folder / "log.txt"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *("dockerd", "--host", self.host, "--data-root", data),
                    # It stays beside the data, so that no second engine opens them.
                    *("--exec-root", self._folder / "exec", "--pidfile", f"{data}.pid"),
                    *("--bridge", "none", "--iptables=false", "--ip6tables=false"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + _START_SECONDS
        while self.docker("version", check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > end:
                log_text = self._log.read_text("utf-8", "backslashreplace")
                self.close()
                raise AssertionError(f"dockerd has not started:\n{log_text}")
            time.sleep(0.1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove all containers and volumes, and stop the engine."""
        if self._process.poll() is None:
            # A container that is only stopped would start again with the next engine.
            for kind, listing in (("container", "--all"), ("volume", "--quiet")):
                found = self.docker(kind, "ls", "--quiet", listing, check=False).stdout.split()
                if found:
                    self.docker(kind, "rm", "--force", *found, check=False)
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        # dockerd leaves the network namespace of the host mounted.
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in reversed([it for it in mounts if it.startswith(f"{self._folder}/")]):
            subprocess.run(["umount", mount], check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        """Return the environment in which the `docker` command uses this engine."""
        return {**os.environ, "DOCKER_HOST": self.host}

    def docker(
        self, *arguments: str | Path, given: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run the `docker` command.

        Args:
            arguments: its arguments.
            given: its standard input.
            check: whether a failure raises an exception.

        Raises:
            subprocess.CalledProcessError: it failed, and `check` is true.
        """
        return subprocess.run(
            ["docker", *arguments],
            env=self.environment(),
            input=given,
            capture_output=True,
            text=True,
            check=check,
        )


def base_image(engine: Engine) -> str:
    """Make the base image if the engine does not have it; return its name.

    It has Debian bookworm with Python 3.11 as `python` and `python3`, and pip, which installs into
    the system as in python:3.11-slim.
    """
    if not engine.docker("image", "inspect", BASE_IMAGE, check=False).returncode:
        return BASE_IMAGE
    with tempfile.TemporaryDirectory(prefix="cvatbuild-base-") as name:
        root = Path(name) / "root"
        packages = "python3,python3-pip,ca-certificates"
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", root],
            stdout=subprocess.DEVNULL,
            check=True,
        )
        (root / "usr/bin/python").symlink_to("python3")
        (root / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink()
        for path in map(Path, _MACHINE_FILES):
            if path.is_file():
                shutil.copy(path, root / path.relative_to("/"))
        shutil.rmtree(root / "var/cache/apt")
        shutil.rmtree(root / "var/lib/apt/lists")
        archive = Path(name) / "root.tar"
        subprocess.run(
            ["tar", "--create", f"--file={archive}", "--directory", root, "."], check=True
        )
        changes = ("--change", "ENV LANG=C.UTF-8", "--change", 'CMD ["python3"]')
        engine.docker("import", *changes, archive, BASE_IMAGE)
    return BASE_IMAGE


def main(command: list[str]) -> int:
    """Run a command with an engine that has the base image.

    Returns:
        The command's status. The process exits with a message if no engine can run.
    """
    reason = missing()
    if reason:
        sys.exit(reason)
    with Engine() as engine:
        base_image(engine)
        return subprocess.run(command, env=engine.environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["bash"]))
