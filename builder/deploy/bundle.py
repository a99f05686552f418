"""Bundles: a function with everything that its image build needs without network access.

The script of a bundle installs the wheels into a copy of the base image and lets nuctl build the
function on it. The lines of function.yaml that install packages then find all of them installed, so
the function is that of an ordinary build. nuctl reads a copy of function.yaml with the other base
image: its option `--base-image` has no effect if the file names one.
"""

import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder.backends.pins import PYTHON
from builder.backends.wheels import MACHINES
from builder.deploy.bundle_script import CONFIG, build_script, config_with_packages, install_script
from builder.deploy.commands import Command, Runner
from builder.deploy.function import BuiltFunction
from builder.diagnostics.errors import CvatbuildError, DeployError, OutputError
from builder.diagnostics.problem import Problem
from builder.diagnostics.progress import Progress
from builder.doctor import docker
from builder.doctor.check_result import CheckResult
from builder.manifest.variants import Platform, VariantName
from builder.plan.plan import Plan
from builder.run.builds import build_all
from builder.targets.nuclio.image import hashed_requirements, other_requirements, with_required
from builder.targets.nuclio.image_settings import ImageSettings

_GLIBC = range(5, 37)
"""Minor versions of glibc 2 whose wheels Debian 12, the oldest usual base image, installs."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was written.

    Attributes:
        folder: its directory.
        script: the script that builds and deploys the function.
        saved: the container images in it.
        missing: the container images that this machine does not have. They must be loaded on the
            other machine before the script runs.
        warnings: the warnings of the function's build.
    """

    folder: Path
    script: Path
    saved: tuple[str, ...]
    missing: tuple[str, ...]
    warnings: tuple[Problem, ...]


def images(base_image: str, nuclio: str, platform: Platform) -> tuple[str, ...]:
    """Return the names of all images that nuctl needs for a function.

    Sources: pkg/processor/build/builder.go, pkg/processor/build/runtime/python/runtime.go and
    pkg/platform/local/platform.go in Nuclio's source.

    Args:
        base_image: the function's base image.
        nuclio: nuctl's version.
        platform: the architecture.
    """
    older = tuple(map(int, nuclio.split("."))) < (1, 14)
    return (
        base_image,
        f"quay.io/nuclio/handler-builder-python-onbuild:{nuclio}-{platform}",
        f"quay.io/nuclio/uhttpc:0.0.1-{platform}",
        f"gcr.io/iguazio/alpine:{'3.17' if older else '3.20'}",
    )


def write_bundle(
    plan: Plan,
    variant: VariantName,
    folder: Path,
    nuclio: str,
    runner: Runner,
    progress: Progress,
    *,
    smoke: bool,
) -> Bundle:
    """Build a function and write it with its packages and images into a directory.

    Args:
        plan: the function.
        variant: its variant.
        folder: the directory, which is absent or empty.
        nuclio: version of the nuctl that will run the script.
        runner: runs pip and Docker.
        progress: shows the build.
        smoke: whether to smoke-test the function.

    Raises:
        OutputError: the directory has files.
        DeployError: the function needs Debian packages, pip finds no wheel, or Docker is installed
            but does not work.
        CvatbuildError: see builder.run.builds.build_all.
    """
    settings = plan.settings(variant).part(ImageSettings)
    if settings.apt:
        raise DeployError(
            Problem(
                "Debian packages cannot be part of a bundle",
                file=plan.file,
                path=("variants", variant, "apt"),
                found=", ".join(settings.apt),
                hint="use a `base_image` that has them, and remove `apt`",
            )
        )
    with _staged(folder) as stage:
        has_docker = _has_docker()
        (built,) = build_all([plan], stage, force=False, smoke=smoke, progress=progress)
        if isinstance(built, CvatbuildError):
            raise built
        _write(stage / "requirements.txt", *hashed_requirements(plan, variant))
        _download(plan, variant, stage, runner)
        names = {name: name for name in images(settings.base_image, nuclio, plan.manifest.platform)}
        base = _name_in_archive(plan, variant, settings.base_image)
        names[settings.base_image] = base
        saved = _save(names, stage, runner) if has_docker else ()
        _write(stage / "images.txt", *_image_lines(names))
        _write(stage / "install.sh", *install_script(plan, variant))
        function = BuiltFunction.read(stage / plan.name, variant)
        _write(stage / CONFIG, config_with_packages(function).removesuffix("\n"))
        script = _write(stage / "build.sh", *build_script(function, base, nuclio))
        script.chmod(0o755)
    missing = tuple(name for name in names if name not in saved)
    return Bundle(folder, folder / script.name, saved, missing, built.warnings)


def _has_docker() -> bool:
    """Return whether this machine has Docker.

    Raises:
        DeployError: Docker is installed, but cannot connect to an engine.
    """
    if shutil.which("docker") is None:
        return False
    found = docker.find()
    if isinstance(found, CheckResult):
        raise DeployError(Problem(found.what, hint=found.remedy))
    return True


def _name_in_archive(plan: Plan, variant: VariantName, base_image: str) -> str:
    """Return the name under which the base image is saved: a tag, since archives keep no digest."""
    return f"cvat.{plan.name}.base:{variant}" if "@" in base_image else base_image


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """Yield a new directory that replaces an absent or empty one after the `with` block.

    Raises:
        OutputError: the directory has files, or cannot be written.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            what, hint = "the directory has files", "pass another directory with --out"
            raise OutputError(Problem(what, file=folder, hint=hint))
        stage = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(parents=True)
        try:
            yield stage
            stage.replace(folder)
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            raise
    except OSError as error:
        what = f"the bundle cannot be written: {error.strerror or error}"
        hint = "pass a directory that can be written with --out"
        raise OutputError(Problem(what, file=folder, hint=hint)) from error


def _write(file: Path, *lines: str) -> Path:
    """Write a text file and return its path."""
    file.write_text("".join(f"{line}\n" for line in lines), "utf-8", newline="\n")
    return file


def _download(plan: Plan, variant: VariantName, stage: Path, runner: Runner) -> None:
    """Download the wheels of all packages for the function's platform.

    Raises:
        DeployError: pip fails.
    """
    settings = plan.settings(variant).part(ImageSettings)
    sources = settings.sources
    machine = MACHINES[plan.manifest.platform]
    # pip prefers the first tag.
    tags = [f"manylinux_2_{minor}_{machine}" for minor in reversed(_GLIBC)]
    tags += [f"manylinux{name}_{machine}" for name in ("2014", "2010", "1")]
    words = [sys.executable, "-m", "pip", "download", "--only-binary", ":all:"]
    words += ["--dest", str(stage / "wheels"), "--implementation", "cp"]
    words += ["--python-version", PYTHON]
    for abi in (f"cp{PYTHON.replace('.', '')}", "abi3", "none"):
        words += ["--abi", abi]
    for tag in tags:
        words += ["--platform", tag]
    if sources.index:
        words += ["--index-url", sources.index]
    for index in sources.extra_indexes:
        words += ["--extra-index-url", index]
    if sources.ca_file:
        words += ["--cert", str(plan.file.parent / sources.ca_file)]
    if sources.proxy:
        words += ["--proxy", sources.proxy]
    exact = ("--no-deps", "--require-hashes", "-r", str(stage / "requirements.txt"))
    calls = [Command((*words, *exact))]
    if other_requirements(plan, variant):
        calls.append(Command((*words, *with_required(plan, variant))))
    for call in calls:
        if runner.run(call).status:
            what = "pip could not download all packages"
            hint = "see pip's message above; `sources` of the variant sets the index and the proxy"
            raise DeployError(Problem(what, file=plan.file, hint=hint))


def _save(names: Mapping[str, str], stage: Path, runner: Runner) -> tuple[str, ...]:
    """Save the images that this machine has; return their names.

    Args:
        names: name of an image -> its name in the archive.
        stage: the bundle's directory.
        runner: runs Docker.

    Raises:
        DeployError: Docker cannot save an image.
    """
    saved: list[str] = []
    (stage / "images").mkdir()
    for number, (name, kept) in enumerate(names.items()):
        look = Command(("docker", "image", "inspect", "--format", "{{.Id}}", name))
        if runner.read(look).status:
            continue
        calls: list[tuple[str, ...]] = [
            ("save", "--output", str(stage / "images" / f"{number}.tar"), kept)
        ]
        if kept != name:
            # Removing one of several names keeps the image.
            calls = [("tag", name, kept), *calls, ("image", "rm", kept)]
        for call in calls:
            if runner.run(Command(("docker", *call))).status:
                what = f"Docker could not save the image {name}"
                raise DeployError(Problem(what, hint="see Docker's message above"))
        saved.append(name)
    return tuple(saved)


def _image_lines(names: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of images.txt: the name in the archive, and another original name."""
    for name, kept in names.items():
        yield name if kept == name else f"{kept} {name}"
