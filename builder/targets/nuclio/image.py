"""The image of a function: the lines of its Dockerfile and its list of packages.

Nuclio writes the Dockerfile: base image, `preCopy` lines, its own files, the function's files, the
installation of its SDK, `postCopy` lines. Lines of `preCopy` cannot see the function's files, but a
changed model does not run them again.
"""

import base64
import shlex
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from builder.backends import wheels
from builder.backends.registry import backend_of, requirements
from builder.manifest.validation import Strict
from builder.manifest.variants import VariantName
from builder.plan.plan import Plan
from builder.targets.nuclio.image_settings import HashedPackage, ImageSettings

_LIST, _CERTIFICATES = "/tmp/requirements.txt", "/tmp/certificates.pem"  # noqa: S108
"""Files that a line of the Dockerfile writes and removes."""


class Directive(Strict):
    """One line of the image's Dockerfile."""

    kind: Literal["USER", "ENV", "RUN"]
    value: Annotated[str, Field(pattern=r"^([^\n]|\\\n)+$")]
    """Several lines end with a backslash, except for the last."""


class Directives(Strict):
    """Dockerfile lines before and after Nuclio's own lines and the function's files."""

    preCopy: tuple[Directive, ...]
    postCopy: tuple[Directive, ...] | None = None


def hashed_requirements(plan: Plan, variant: VariantName) -> tuple[str, ...]:
    """Return the packages whose digests are known, as lines of a pip requirements file."""
    settings = plan.settings(variant)
    table = wheels.packages()
    own = requirements(plan.manifest.type, settings, plan.manifest.platform)
    lines = [_line(it, table[it].wheels.values()) for it in own]
    added = settings.part(ImageSettings).pip
    hashed = (it for it in added if isinstance(it, HashedPackage))
    return (*lines, *(_line(it.package, it.sha256) for it in hashed))


def other_requirements(plan: Plan, variant: VariantName) -> tuple[str, ...]:
    """Return the packages of the manifest that have no digests."""
    added = plan.settings(variant).part(ImageSettings).pip
    return tuple(it for it in added if isinstance(it, str))


def with_required(plan: Plan, variant: VariantName) -> tuple[str, ...]:
    """Return the packages without digests, after the required ones, which pip must not replace."""
    settings = plan.settings(variant)
    fixed = requirements(plan.manifest.type, settings)
    # pip would install what a named package depends on: openvino-telemetry.
    runtime = backend_of(settings).package
    kept = (it for it in fixed if it.partition("==")[0] != runtime)
    return (*kept, *other_requirements(plan, variant))


def _line(requirement: str, digests: Iterable[str]) -> str:
    """Return a line of a requirements file; see pip's documentation of hash-checking mode."""
    return " ".join([requirement, *(f"--hash=sha256:{digest}" for digest in digests)])


def requirements_text(plan: Plan, variant: VariantName) -> str:
    """Return the requirements file of a variant."""
    lines = (*hashed_requirements(plan, variant), *other_requirements(plan, variant))
    return "".join(f"{line}\n" for line in lines)


def directives(plan: Plan, variant: VariantName) -> Directives:
    """Return the Dockerfile lines of a variant's image."""
    common = plan.settings(variant)
    settings = common.part(ImageSettings)
    environment = backend_of(common).environment
    before = [
        Directive(kind="USER", value="root"),
        *(Directive(kind="ENV", value=f"{key}={text}") for key, text in environment.items()),
        *(
            Directive(kind="RUN", value=line)
            for line in (_apt(settings), _pip(plan, variant), _other_pip(plan, variant))
            if line
        ),
    ]
    after = [
        # nuctl copies permissions with the files; files of a strict umask are unreadable for users.
        Directive(kind="RUN", value="find /opt/nuclio ! -perm -o=r -exec chmod -c a+rX {} +"),
        # Nuclio's own lines need root. A number lets Kubernetes check that it is not root.
        Directive(kind="USER", value=f"{settings.user}:{settings.user}"),
    ]
    return Directives(preCopy=tuple(before), postCopy=tuple(after) if settings.user else None)


def _apt(settings: ImageSettings) -> str:
    """Return the line that installs Debian packages, or an empty text."""
    if not settings.apt:
        return ""
    proxy = _proxy(settings)
    return _with_environment(
        {key.lower(): text for key, text in proxy.items()},
        "apt-get update && apt-get install -y --no-install-recommends "
        f"{' '.join(settings.apt)} && rm -rf /var/lib/apt/lists/*",
    )


def _pip(plan: Plan, variant: VariantName) -> str:
    """Return the line that installs the packages with digests.

    The list is complete, so pip looks for no dependencies. It leaves out openvino-telemetry, which
    OpenVINO does without.
    """
    lines = hashed_requirements(plan, variant)
    return _install(plan, variant, f"--no-deps --require-hashes -r {_LIST}", lines)


def _other_pip(plan: Plan, variant: VariantName) -> str:
    """Return the line that installs the packages without digests, or an empty text."""
    if not other_requirements(plan, variant):
        return ""
    named = with_required(plan, variant)
    return _install(plan, variant, " ".join(map(shlex.quote, named)))


def _install(plan: Plan, variant: VariantName, arguments: str, lines: Collection[str] = ()) -> str:
    """Return a line that runs `pip install` and leaves no files behind.

    Args:
        plan: the function.
        variant: the variant of the image.
        arguments: the arguments of `pip install`.
        lines: the content of a requirements file, which is at _LIST while pip runs.
    """
    settings = plan.settings(variant).part(ImageSettings)
    sources = settings.sources
    environment = _proxy(settings)
    if sources.index:
        environment["PIP_INDEX_URL"] = sources.index
    if sources.extra_indexes:
        environment["PIP_EXTRA_INDEX_URL"] = " ".join(sources.extra_indexes)
    steps: list[str] = []
    written: list[str] = []
    if lines:
        listed = "".join(f"  {shlex.quote(line)} \\\n" for line in lines)
        steps.append(f"printf '%s\\n' \\\n{listed}  > {_LIST}")
        written.append(_LIST)
    if sources.ca_file:
        environment["PIP_CERT"] = _CERTIFICATES
        # base64 keeps line breaks out of the line.
        content = base64.b64encode((plan.file.parent / sources.ca_file).read_bytes()).decode()
        steps.append(f"echo {content} | base64 -d > {_CERTIFICATES}")
        written.append(_CERTIFICATES)
    steps.append(f"pip install --no-cache-dir {arguments}")
    if written:
        steps.append(f"rm {' '.join(written)}")
    return _with_environment(environment, " && \\\n".join(steps))


def _proxy(settings: ImageSettings) -> dict[str, str]:
    """Return the environment variables of the proxy."""
    sources = settings.sources
    if not sources.proxy:
        return {}
    variables = {"HTTP_PROXY": sources.proxy, "HTTPS_PROXY": sources.proxy}
    return variables | ({"NO_PROXY": sources.no_proxy} if sources.no_proxy else {})


def _with_environment(environment: Mapping[str, str], command: str) -> str:
    """Return a command of sh after the export of variables, which end with the command."""
    if not environment:
        return command
    listed = " ".join(f"{key}={shlex.quote(text)}" for key, text in environment.items())
    return f"export {listed} && \\\n{command}"
