"""PixelLink's text detection: [1, 2, h, w] and [1, 16, h, w], or channels last."""

from collections.abc import Iterator

from builder.families.common_steps import TEXT
from builder.families.evidence import Evidence, fits
from builder.families.family import Family
from builder.families.input_format import Channels, InputFormat, Resizing, Values
from builder.families.match import Match, step
from builder.families.sureness import Strength
from runtimes.decoders.pixellink import Pixellink
from runtimes.shapes.region import Mask


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize scores of text, and of links to eight neighbors."""
    if len(evidence.outputs) != 2:
        return
    for pixels, links in (evidence.outputs, evidence.outputs[::-1]):
        first = fits(pixels, (1, 2, "h", "w")) and fits(links, (1, 16, "h", "w"))
        last = fits(pixels, (1, "h", "w", 2)) and fits(links, (1, "h", "w", 16))
        known = {2, 16} <= {*pixels.shape, *links.shape}
        if known and (first or last):
            activations = {evidence.graph.activation(it.name) for it in (pixels, links)}
            strength = Strength.SHAPE
            if activations == {"softmax"}:
                strength = Strength.STRUCTURE
            elif evidence.names_outputs("link"):
                strength = Strength.EVIDENCE
            fields = {"activated": True} if activations == {"softmax"} else {}
            yield PIXELLINK.match(
                evidence,
                strength,
                (f"{pixels}, {links}: text scores, and links to eight neighbors",),
                (
                    step(Pixellink, "text and links", **fields),
                    step(Mask, "the pixels of each text; or `polygon`"),
                ),
                classes=TEXT,
            )
            return


PIXELLINK = Family(
    name="PixelLink: text",
    steps=(Pixellink,),
    recognize=recognize,
    precedence=200,
    input_format=InputFormat(
        Resizing("resize", "PixelLink is trained on stretched images"),
        Values(scale=1),
        Channels("bgr", "OpenVINO's models take BGR", guessed=True),
    ),
)
