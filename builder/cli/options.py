"""Arguments and options that several commands share, or that are long."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer


class VariantOption(StrEnum):
    """The values of --variant."""

    cpu = "cpu"
    gpu = "gpu"


class PlatformOption(StrEnum):
    """The values of --platform."""

    local = "local"
    kube = "kube"


class FormatOption(StrEnum):
    """The values of --format."""

    text = "text"
    json = "json"
    github = "github"


Manifests: TypeAlias = Annotated[
    list[Path], typer.Argument(metavar="MANIFEST...", help="Manifest files.")
]
AcceptGuess: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--accept-guess",
        help="Accept manifests with `guessed: true`, whose model family is a guess.",
    ),
]
Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Directory to write functions to.  [default: build, next to the manifest; next to the "
        "directory `manifests` if the manifest is in one]",
    ),
]
VariantList: TypeAlias = Annotated[
    list[VariantOption] | None,
    typer.Option("--variant", help="Variant to build; repeatable.  [default: both]"),
]
Format: TypeAlias = Annotated[
    FormatOption,
    typer.Option(
        "--format",
        help="text: for people; json: one object per line; github: workflow annotations.",
    ),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]
Pos: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--pos", metavar="X,Y", help="Positive point, on the object; repeatable."),
]
Neg: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--neg", metavar="X,Y", help="Negative point, off the object; repeatable."),
]
Box: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--box",
        metavar="X1,Y1,X2,Y2",
        help="Bounding box: an interactor's prompt or a tracker's object; repeatable.",
    ),
]
Boxes: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--boxes", metavar="FILE", help="JSON file with the bounding boxes of two images (ReID)."
    ),
]
Save: TypeAlias = Annotated[
    Path | None,
    typer.Option("--save", metavar="DIR", help="Directory for images with the shapes drawn."),
]
Dataset: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="DATASET",
        help="Labeled images in a format of docs/datasets.md, such as CVAT for images, COCO, YOLO, "
        "Datumaro, Pascal VOC or MOT.",
    ),
]
Images: TypeAlias = Annotated[
    Path | None,
    typer.Option("--images", metavar="DIR", help="Directory of the images.  [default: by DATASET]"),
]
Map: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="DATASET=FUNCTION",
        help="Label of the dataset and label of the function that belong together; repeatable.",
    ),
]
Store: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="DIR",
        help="Directory of the stored replies, with which a run continues.  "
        "[default: in the cache of cvatbuild]",
    ),
]
FailUnder: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-under",
        metavar="METRIC=VALUE",
        help="Exit with 1 if a metric is lower, such as map50=0.6; repeatable.",
    ),
]
PlatformName: TypeAlias = Annotated[
    PlatformOption, typer.Option("--platform", help="local: Docker; kube: Kubernetes.")
]
Namespace: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        metavar="NAME",
        help="Nuclio's namespace.  [default: nuclio with Docker, else that of the kubeconfig]",
    ),
]
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Print the commands, and run none.")
]
