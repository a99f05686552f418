"""Heatmaps of one person's keypoints: HRNet, ViTPose."""

from builder.families.family import Family
from runtimes.decoders.heatmap import Heatmap

HEATMAP = Family(
    name="heatmaps of keypoints (HRNet, ViTPose)",
    steps=(Heatmap,),
)
