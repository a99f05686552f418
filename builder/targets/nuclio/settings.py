"""Nuclio's keys of a variant in the manifest."""

import re
from typing import Annotated

from pydantic import Field, field_validator

from builder.manifest.patterns import memory_size, pattern
from builder.manifest.variants import VariantName, VariantSettings
from builder.targets.nuclio.image_settings import ImageSettings
from builder.targets.nuclio.kubernetes import Kubernetes, check_reserved

RESERVED_NAMES = dict.fromkeys(
    ("dashboard", "controller", "dlx", "scaler"), "Nuclio keeps it for itself"
)
"""Function names that Nuclio's own containers and services have -> the reason."""

LEAST_REQUEST, MOST_REQUEST = 8 * 2**20, 2047 * 2**20
"""Range of `max_request_size` in bytes. Photos do not fit into Nuclio's own limit of 4 MiB, and
Nuclio passes a request to the worker after its length as a signed integer of 32 bits."""

ENV_VALUE = r"^[^'\n\r\x00]*$"
"""Nuclio passes environment variables to Docker between single quotes."""

_Duration = Annotated[
    str,
    pattern(
        r"^(0*[1-9][0-9]*h([0-9]+m)?([0-9]+s)?|0*[1-9][0-9]*m([0-9]+s)?|0*[1-9][0-9]*s)$",
        "hours, minutes and seconds: `30s`, `1m30s`, `2m`",
        lambda text: f"{text}s",
    ),
    Field(min_length=2),
]
_EnvName = Annotated[
    str,
    pattern(
        r"^[A-Za-z_][A-Za-z0-9_]*$", "letters, digits and underscores, not beginning with a digit"
    ),
]
_EnvValue = Annotated[
    str,
    pattern(
        ENV_VALUE, "one line without a single quote, since Nuclio puts it between single quotes"
    ),
]


_RequestSize = Annotated[
    str,
    pattern(
        r"^[1-9][0-9]*(Ki|Mi|Gi)$",
        "a number of KiB, MiB or GiB: `64Mi`",
        lambda text: memory_size(text, "M"),
    ),
]


class NuclioSettings(VariantSettings):
    """How Nuclio runs the container of a variant."""

    workers: Annotated[int, Field(ge=1, le=64)] | None = None
    """Number of requests that are processed at the same time. Each worker is a process with its own
    copy of the model. Default: 2 for the CPU variant, 1 for the GPU variant and for interactors,
    whose workers do not share cached embeddings."""
    env: dict[_EnvName, _EnvValue] = Field(default_factory=dict)
    """Environment variables of the container."""
    event_timeout: _Duration = "30s"
    """Time after which Nuclio stops a request and restarts its worker. CVAT itself waits 120 s."""
    readiness_timeout: Annotated[int, Field(ge=1, le=3600)] = 180
    """Number of seconds that the function may take to start, including loading the model."""
    max_request_size: _RequestSize = "32Mi"
    """Maximum size of a request, from `8Mi` to `2047Mi`. CVAT sends the image file in base64, which
    takes a third more: with 32 MiB, Nuclio closes the connection of a file above 24 MB, which ends
    the whole job. Video frames are sent as PNG."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Port on the host. Default: `cvatbuild deploy` chooses one by the function's name. nuctl alone
    takes a free one, which Docker changes when the host restarts, while CVAT keeps calling the old
    one. On Kubernetes with `service_type: NodePort` it is the node port."""
    kubernetes: Kubernetes | None = None
    """Settings for Kubernetes; see [`kubernetes`](#kubernetes)."""

    @field_validator("readiness_timeout", mode="before")
    @classmethod
    def _is_in_seconds(cls, timeout: object) -> object:
        """Refuse durations with units, which other keys have."""
        if isinstance(timeout, str) and re.search("[0-9] *[A-Za-z]", timeout):
            raise ValueError("is not a whole number of seconds, such as 180")
        return timeout

    @field_validator("env")
    @classmethod
    def _env_is_not_reserved(cls, env: dict[str, str]) -> dict[str, str]:
        """Refuse variables that cvatbuild sets itself."""
        check_reserved(env)
        return env

    @field_validator("max_request_size")
    @classmethod
    def _nuclio_accepts_size(cls, size: str) -> str:
        """Refuse limits that Nuclio cannot pass on, and those that no photo fits into."""
        if not LEAST_REQUEST <= _in_bytes(size) <= MOST_REQUEST:
            raise ValueError(f"{size} is not from 8Mi to 2047Mi, the sizes that Nuclio can pass on")
        return size

    def max_request_bytes(self) -> int:
        """Return the maximum size of a request in bytes."""
        return _in_bytes(self.max_request_size)

    def worker_count(self, function_type: str) -> int:
        """Return the number of workers, each with its own copy of the model."""
        # Workers are processes: each would have to encode an image before it can answer clicks.
        single = self.NAME == "gpu" or function_type == "interactor"
        return self.workers or (1 if single else 2)


def _in_bytes(size: str) -> int:
    """Return a size such as `64Mi` in bytes."""
    return int(size[:-2]) * {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}[size[-2:]]


def parts(variant: VariantName) -> tuple[type[VariantSettings], ...]:
    """Return Nuclio's part of a variant's settings; see builder.manifest.variant_schema."""
    return (ImageSettings, NuclioSettings)
