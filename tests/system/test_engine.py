"""The private Docker Engine runs containers, and leaves no process and no file behind."""

import tempfile
from pathlib import Path

import pytest

from tests.system.engine import Engine, base_image

pytestmark = pytest.mark.system


def test_the_base_image_has_python_and_pip(engine: Engine) -> None:
    image = base_image(engine)
    run = ("run", "--rm", "--network", "none", "--read-only", "--user", "1000:1000", image)
    for name in ("python", "python3"):
        program = "import sys; print(sys.version_info[:2])"
        assert engine.docker(*run, name, "-c", program).stdout == "(3, 11)\n"
    # Debian's pip refuses to install into the system unless it is told to.
    pip = ("python", "-m", "pip", "install", "--dry-run", "pip")
    done = engine.docker("run", "--rm", "--network", "none", image, *pip)
    assert "Requirement already satisfied: pip" in done.stdout


def test_a_closed_engine_leaves_nothing_behind(engine: Engine) -> None:
    image = base_image(engine)
    engine.docker("run", "--rm", "--network", "host", image, "true")
    container = engine.docker("run", "--detach", "--network", "none", image, "sleep", "600")
    pid = engine.docker("inspect", "--format", "{{.State.Pid}}", container.stdout.strip()).stdout
    folder = Path(engine.host.removeprefix("unix://")).parent
    assert folder.is_relative_to(tempfile.gettempdir())
    engine.close()
    assert not Path("/proc", pid.strip()).exists()
    assert not folder.exists()
    assert not [
        line for line in Path("/proc/mounts").read_text().splitlines() if str(folder) in line
    ]
