"""function.yaml: a strict model of its keys, and its text.

Nuclio ignores unknown keys without a message. Every function.yaml is therefore validated by the
models below, which have exactly the keys that Nuclio 1.12.8 and later read
(pkg/functionconfig/types.go).
"""

import json
from typing import Annotated, Literal

import yaml
from pydantic import ConfigDict, Field, model_validator

from builder.backends.pins import PYTHON
from builder.backends.registry import backend_of, requirements
from builder.manifest import patterns
from builder.manifest.function_type import FunctionType
from builder.manifest.validation import Strict
from builder.manifest.variants import VariantName
from builder.plan.cvat_labels import label_spec
from builder.plan.plan import Plan
from builder.targets.nuclio.settings import ENV_VALUE, LEAST_REQUEST, MOST_REQUEST, NuclioSettings
from runtimes.service import VARIANT


class Annotations(Strict):
    """The annotations that CVAT reads. Nuclio converts every value to text, so all are text."""

    name: str
    type: FunctionType
    version: Literal["2"] | None = None
    min_pos_points: Annotated[str | None, Field(pattern=r"^[0-9]+$")] = None
    min_neg_points: Annotated[str | None, Field(pattern=r"^(-1|[0-9]+)$")] = None
    # CVAT takes any text for true, even "false", except an empty one.
    startswith_box: Literal["true"] | None = None
    startswith_box_optional: Literal["true"] | None = None
    help_message: str | None = None
    animated_gif: str | None = None
    supported_shape_types: Annotated[str | None, Field(min_length=1)] = None
    spec: str

    @model_validator(mode="after")
    def _spec_is_json(self) -> "Annotations":
        """Check the JSON: CVAT cannot list any function if it is invalid in one of them."""
        if not isinstance(json.loads(self.spec), list):
            raise ValueError("the spec is not a list")
        return self


class Metadata(Strict):
    """The function's name and annotations."""

    name: Annotated[str, Field(pattern=patterns.NAME, max_length=56)]
    namespace: Literal["cvat"] = "cvat"
    annotations: Annotations


class EnvVariable(Strict):
    """One environment variable of the container."""

    name: str
    value: Annotated[str, Field(pattern=ENV_VALUE)]


class Directive(Strict):
    """One line of the image's Dockerfile."""

    kind: Literal["USER", "ENV", "RUN"]
    value: Annotated[str, Field(pattern=r"^[^\n]+$")]


class Directives(Strict):
    """Dockerfile lines before the code is copied: a changed model does not reinstall wheels."""

    preCopy: tuple[Directive, ...]


class Build(Strict):
    """How the image is built."""

    image: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*(:[a-z0-9.-]+)?$")]
    baseImage: str
    directives: Directives


class HttpAttributes(Strict):
    """Settings of the HTTP trigger."""

    maxRequestBodySize: Annotated[int, Field(ge=LEAST_REQUEST, le=MOST_REQUEST)]
    port: int | None = None


class Trigger(Strict):
    """The HTTP trigger. `numWorkers` is read from Nuclio 1.13 on, `maxWorkers` before."""

    kind: Literal["http"] = "http"
    numWorkers: int
    maxWorkers: int
    workerAvailabilityTimeoutMilliseconds: int = 10000
    attributes: HttpAttributes


class Triggers(Strict):
    """The only trigger, under the name that CVAT's own functions use."""

    myHttpTrigger: Trigger


class Limits(Strict):
    """Limits of the container. Nuclio passes `--gpus all` for any number of GPUs."""

    model_config = ConfigDict(populate_by_name=True)

    cpu: str | None = None
    memory: str | None = None
    gpu: Annotated[int | None, Field(alias="nvidia.com/gpu")] = None


class Resources(Strict):
    """Resources of the container. Docker reads only limits."""

    limits: Limits


class RestartPolicy(Strict):
    """Restarts of the container. Without them a function ends when its worker dies."""

    name: Literal["always"] = "always"
    maximumRetryCount: int = 3


class PlatformAttributes(Strict):
    """Settings of the Docker platform."""

    restartPolicy: RestartPolicy = RestartPolicy()


class Platform(Strict):
    """Settings of the platform."""

    attributes: PlatformAttributes = PlatformAttributes()


class Spec(Strict):
    """How the function is built, started and called."""

    # CVAT's server cannot list any function if one has no description.
    description: Annotated[str, Field(min_length=1)]
    runtime: Annotated[str, Field(pattern=r"^python:3\.1[01]$")] = f"python:{PYTHON}"
    handler: Literal["main:handler"] = "main:handler"
    eventTimeout: str
    readinessTimeoutSeconds: int
    env: tuple[EnvVariable, ...]
    build: Build
    triggers: Triggers
    resources: Resources | None = None
    platform: Platform = Platform()


class FunctionConfig(Strict):
    """A whole function.yaml."""

    metadata: Metadata
    spec: Spec


def function_config(plan: Plan, variant: VariantName) -> FunctionConfig:
    """Return the function.yaml of a variant."""
    manifest = plan.manifest
    common = plan.settings(variant)
    settings = common.part(NuclioSettings)
    workers = settings.worker_count(manifest.type)
    limits = Limits(
        cpu=common.cpu or manifest.resources.cpu,
        memory=common.memory or manifest.resources.memory,
        gpu=1 if variant == "gpu" else None,
    )
    return FunctionConfig(
        metadata=Metadata(
            name=plan.name,
            annotations=Annotations.model_validate(
                {
                    "name": plan.title,
                    "type": manifest.type,
                    **plan.annotations,
                    "spec": label_spec(plan.labels),
                }
            ),
        ),
        spec=Spec(
            description=manifest.description or plan.title,
            eventTimeout=settings.event_timeout,
            readinessTimeoutSeconds=settings.readiness_timeout,
            env=(
                EnvVariable(name=VARIANT, value=variant),
                *(EnvVariable(name=key, value=text) for key, text in settings.env.items()),
            ),
            build=Build(
                # No registry and at most one colon: Nuclio splits the name at the first one.
                image=f"cvat.{plan.name}:gpu" if variant == "gpu" else f"cvat.{plan.name}",
                baseImage=settings.base_image,
                directives=Directives(preCopy=tuple(_directives(plan, variant))),
            ),
            triggers=Triggers(
                myHttpTrigger=Trigger(
                    numWorkers=workers,
                    maxWorkers=workers,
                    attributes=HttpAttributes(
                        maxRequestBodySize=settings.max_request_bytes(), port=settings.port
                    ),
                )
            ),
            resources=Resources(limits=limits) if limits != Limits() else None,
        ),
    )


def packages(plan: Plan, variant: VariantName) -> tuple[str, ...]:
    """Return the exact packages of a variant's image, those of the manifest last."""
    settings = plan.settings(variant)
    return (*requirements(plan.manifest.type, settings), *settings.part(NuclioSettings).pip)


def _directives(plan: Plan, variant: VariantName) -> list[Directive]:
    """Return the Dockerfile lines that install the image's packages."""
    common = plan.settings(variant)
    settings = common.part(NuclioSettings)
    environment = backend_of(common).environment
    directives = [
        Directive(kind="USER", value="root"),
        *(Directive(kind="ENV", value=f"{key}={text}") for key, text in environment.items()),
    ]
    if settings.apt:
        apt = " ".join(settings.apt)
        directives.append(
            Directive(
                kind="RUN",
                value="apt-get update && apt-get install -y --no-install-recommends "
                f"{apt} && rm -rf /var/lib/apt/lists/*",
            )
        )
    # The image's shell interprets brackets.
    pip = " ".join(f'"{it}"' if "[" in it else it for it in packages(plan, variant))
    directives.append(Directive(kind="RUN", value=f"pip install --no-cache-dir {pip}"))
    return directives


class _Quoted(str):
    """Text in double quotes, so that every YAML reader reads text."""


class _Block(str):
    """Text as a literal block, for JSON that people read."""


class _Dumper(yaml.SafeDumper):
    """Writes block style, in the order of the models, with lists indented below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """See yaml.emitter.Emitter."""
        super().increase_indent(flow, False)


_Dumper.add_representer(
    _Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)
_Dumper.add_representer(
    _Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
)


def to_yaml(config: FunctionConfig, note: str) -> str:
    """Return the text of a function.yaml below a comment, and check that reading it restores it."""
    data = config.model_dump(mode="json", by_alias=True, exclude_none=True)
    notes = data["metadata"]["annotations"]
    notes.update({key: _Quoted(text) for key, text in notes.items() if key != "spec"})
    notes["spec"] = _Block(notes["spec"])
    data["spec"]["description"] = _Quoted(data["spec"]["description"])
    for variable in data["spec"]["env"]:
        variable["value"] = _Quoted(variable["value"])
    text = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096, line_break="\n"
    )
    text = f"# {note}\n{text}"
    again = FunctionConfig.model_validate_json(json.dumps(yaml.safe_load(text)), strict=True)
    assert again == config, "function.yaml does not survive being written and read"
    return text
