"""Arguments and options of the commands, those that are shared or long."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer


class VariantOption(StrEnum):
    """The values of --variant."""

    cpu = "cpu"
    gpu = "gpu"


class FormatOption(StrEnum):
    """The values of --format."""

    text = "text"
    json = "json"
    github = "github"


Manifests: TypeAlias = Annotated[
    list[Path], typer.Argument(metavar="MANIFEST...", help="Manifest files.")
]
Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Folder to write functions under.  [default: build, beside the folder `manifests`]",
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
        help="text for people; json: one object a line; github: annotations of a workflow.",
    ),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Pos: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--pos", metavar="X,Y", help="A click on the object; repeatable."),
]
Neg: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--neg", metavar="X,Y", help="A click beside the object; repeatable."),
]
Box: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--box",
        metavar="X1,Y1,X2,Y2",
        help="A box: an interactor's prompt, or what a tracker follows; repeatable.",
    ),
]
Boxes: TypeAlias = Annotated[
    Path | None,
    typer.Option("--boxes", metavar="FILE", help="JSON with the boxes of two images (ReID)."),
]
Save: TypeAlias = Annotated[
    Path | None,
    typer.Option("--save", metavar="DIR", help="Folder for pictures with the shapes drawn."),
]
