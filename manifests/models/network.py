"""A tiny anchor-free detector in PyTorch, its target assignment and its losses.

Inputs are (B, 3, 320, 320) float32, RGB, 0 to 1.  The network predicts at A = 2100 points: the
centers of the cells of grids of stride 8 (40 x 40), 16 (20 x 20) and 32 (10 x 10), in that order,
each row by row.  Boxes are x1 y1 x2 y2 and keypoints x y in input pixels unless said otherwise.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

IMAGE_SIZE = 320
STRIDES = (8, 16, 32)
MASKS = 32
"""Number of mask prototypes and of mask coefficients per point."""
WIDTH = 40
"""Channels of the feature pyramid and of the heads."""


class Conv(nn.Module):
    """Convolution, batch normalization, ReLU; `fuse` folds the normalization away."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> None:
        """Make one that keeps the size, divided by the stride."""
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, momentum=0.05)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        return functional.relu(self.norm(self.conv(x)), inplace=True)

    @torch.no_grad()
    def fuse(self) -> None:
        """Replace convolution and normalization by one equal convolution with a bias."""
        norm = self.norm
        assert isinstance(norm, nn.BatchNorm2d)
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        fused = nn.Conv2d(
            self.conv.in_channels,
            self.conv.out_channels,
            self.conv.kernel_size,
            self.conv.stride,
            self.conv.padding,
        )
        fused.weight.copy_(self.conv.weight * gain[:, None, None, None])
        fused.bias.copy_(norm.bias - norm.running_mean * gain)
        self.conv, self.norm = fused, nn.Identity()


class Residual(nn.Module):
    """x + two convolutions through half the channels."""

    def __init__(self, channels: int) -> None:
        """Make one for maps of this many channels."""
        super().__init__()
        self.narrow = Conv(channels, channels // 2)
        self.widen = Conv(channels // 2, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        return x + self.widen(self.narrow(x))


class Network(nn.Module):
    """Backbone, feature pyramid and heads that are shared by the three strides.

    Args:
        classes: The number of classes, C.
        masks: Whether to predict mask coefficients and prototypes.
        keypoints: The number of keypoints of an object, K; 0 for none.
        oriented: Whether to predict the size and direction of a rotated box.
        semantic: Whether to predict the class of every place, and no objects at all.
    """

    points: Tensor
    strides: Tensor

    def __init__(
        self,
        classes: int,
        masks: bool = False,
        keypoints: int = 0,
        oriented: bool = False,
        semantic: bool = False,
    ) -> None:
        """Make an untrained network."""
        super().__init__()
        self.classes, self.masks, self.keypoints = classes, masks, keypoints
        self.oriented, self.semantic = oriented, semantic
        self.stem = nn.Sequential(Conv(3, 16, 3, 2), Conv(16, 24, 3, 2), Residual(24))
        self.stage3 = nn.Sequential(Conv(24, 48, 3, 2), Residual(48), Residual(48))
        self.stage4 = nn.Sequential(Conv(48, 64, 3, 2), Residual(64))
        self.stage5 = nn.Sequential(Conv(64, 64, 3, 2), Residual(64))
        self.lateral3, self.lateral4 = Conv(48, WIDTH), Conv(64, WIDTH)
        self.lateral5 = Conv(64, WIDTH)
        self.smooth3, self.smooth4 = Conv(WIDTH, WIDTH, 3), Conv(WIDTH, WIDTH, 3)
        if semantic:
            self.map_top, self.map_side = Conv(WIDTH, 32, 3), Conv(24, 32)
            self.map_mix, self.map_head = Conv(32, 32, 3), nn.Conv2d(32, 1 + classes, 1)
            return

        self.class_tower, self.class_head = Conv(WIDTH, WIDTH, 3), nn.Conv2d(WIDTH, classes, 1)
        self.box_tower, self.box_head = Conv(WIDTH, WIDTH, 3), nn.Conv2d(WIDTH, 4, 1)
        # Objects are rare: start from a low score everywhere, so that the many empty points do
        # not swamp the first steps.
        nn.init.constant_(self.class_head.bias, -4.6)
        nn.init.normal_(self.class_head.weight, std=0.01)
        nn.init.constant_(self.box_head.bias, 0.7)
        nn.init.normal_(self.box_head.weight, std=0.01)
        if masks:
            self.mask_tower, self.mask_head = Conv(WIDTH, 24, 3), nn.Conv2d(24, MASKS, 1)
            self.proto_top, self.proto_side = Conv(WIDTH, 24, 3), Conv(24, 24)
            self.proto_mix, self.proto_head = Conv(24, 24, 3), nn.Conv2d(24, MASKS, 1)
        if keypoints:
            self.point_tower = Conv(WIDTH, WIDTH, 3)
            self.point_head = nn.Conv2d(WIDTH, 3 * keypoints, 1)
            nn.init.normal_(self.point_head.weight, std=0.01)
        if oriented:
            self.turn_tower, self.turn_head = Conv(WIDTH, WIDTH, 3), nn.Conv2d(WIDTH, 4, 1)
            nn.init.normal_(self.turn_head.weight, std=0.01)

        grids, strides = [], []
        for stride in STRIDES:
            line = (torch.arange(IMAGE_SIZE // stride) + 0.5) * stride
            y, x = torch.meshgrid(line, line, indexing="ij")
            grids.append(torch.stack([x.flatten(), y.flatten()], 1))
            strides.append(torch.full((x.numel(),), float(stride)))
        self.register_buffer("points", torch.cat(grids), persistent=False)
        self.register_buffer("strides", torch.cat(strides), persistent=False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Predict.

        Returns:
            "scores" (B, A, C) logits; "boxes" (B, A, 4); "reach" (B, A, 4), the distances in
            pixels from the point to the left, top, right and bottom side; with masks
            "coefficients" (B, A, 32) and "prototypes" (B, 32, 80, 80); with keypoints "keypoints"
            (B, A, K, 3), where the third value is the logit of the visibility.

            Oriented: "oriented" (B, A, 4), the length and thickness of the rotated box in pixels
            and a vector in the direction (cos, sin) of twice its angle, of any length.  The
            middle of "boxes", which go around the rotated boxes, is the middle of those too.

            Semantic: "maps" (B, 1 + C, 80, 80) alone, logits of background and classes.
        """
        fine = self.stem(images)
        c3 = self.stage3(fine)
        c4 = self.stage4(c3)
        c5 = self.stage5(c4)
        p5 = self.lateral5(c5)
        p4 = self.smooth4(self.lateral4(c4) + _double(p5))
        p3 = self.smooth3(self.lateral3(c3) + _double(p4))
        if self.semantic:
            mixed = self.map_mix(_double(self.map_top(p3)) + self.map_side(fine))
            return {"maps": self.map_head(mixed)}
        levels = (p3, p4, p5)

        result = {"scores": _gather([self.class_head(self.class_tower(p)) for p in levels])}
        # Logarithms of distances in strides: positive, with an even relative precision.
        logs = [self.box_head(self.box_tower(p)).float() for p in levels]
        sides = [m.clamp(-6.0, 4.0).exp() * s for m, s in zip(logs, STRIDES, strict=True)]
        result["reach"] = _gather(sides)
        left_top, right_bottom = result["reach"].split(2, 2)
        result["boxes"] = torch.cat([self.points - left_top, self.points + right_bottom], 2)
        if self.masks:
            result["coefficients"] = _gather([self.mask_head(self.mask_tower(p)) for p in levels])
            mixed = self.proto_mix(_double(self.proto_top(p3)) + self.proto_side(fine))
            result["prototypes"] = self.proto_head(mixed)
        if self.keypoints:
            raw = [self.point_head(self.point_tower(p)).float() for p in levels]
            # Offsets in units of twice the stride: the farthest tips are then a few units away.
            units = [raw[0].new_tensor([2.0 * s, 2.0 * s, 1.0] * self.keypoints) for s in STRIDES]
            moves = _gather([m * u[:, None, None] for m, u in zip(raw, units, strict=True)])
            moves = moves.reshape(len(moves), -1, self.keypoints, 3)
            place = self.points[:, None] + moves[..., :2]
            result["keypoints"] = torch.cat([place, moves[..., 2:]], 3)
        if self.oriented:
            raw = [self.turn_head(self.turn_tower(p)).float() for p in levels]
            length = [
                m[:, :1].clamp(-6.0, 4.0).exp() * s for m, s in zip(raw, STRIDES, strict=True)
            ]
            length, turns = _gather(length), _gather([m[:, 1:] for m in raw])
            # As a part of the length, the thickness cannot exceed it.
            thickness = length * turns[..., :1].sigmoid()
            result["oriented"] = torch.cat([length, thickness, turns[..., 1:]], 2)
        return result

    def fuse(self) -> None:
        """Fold every batch normalization into its convolution (for the export)."""
        for module in self.modules():
            if isinstance(module, Conv):
                module.fuse()


class Exported(nn.Module):
    """A network with the output layout of YOLOv8 exports; see `forward`."""

    def __init__(self, network: Network) -> None:
        """Wrap a network; fuse it before the export."""
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """(1, 3, 320, 320) to (1, 4 + C [+ 32 | + 3 K | + 1], A) [and prototypes (1, 32, 80, 80)].

        The rows are cx, cy, w, h, the class scores, then the mask coefficients, or x, y and
        visibility of each keypoint, or the angle by which the box is rotated about its middle, in
        radians, clockwise on the screen, -pi / 4 to 3 pi / 4.  Scores and visibilities are after
        the sigmoid.  The output of a semantic network is its maps, (1, 1 + C, 80, 80) logits.
        """
        found = self.network(images)
        if self.network.semantic:
            return found["maps"]
        left_top, right_bottom = found["reach"].split(2, 2)
        center = self.network.points + (right_bottom - left_top) * 0.5
        size = left_top + right_bottom
        if self.network.oriented:
            size = found["oriented"][..., :2]
        parts = [center, size, found["scores"].sigmoid()]
        if self.network.masks:
            parts.append(found["coefficients"])
        if self.network.keypoints:
            points = found["keypoints"]
            points = torch.cat([points[..., :2], points[..., 2:].sigmoid()], 3)
            parts.append(points.reshape(1, -1, 3 * self.network.keypoints))
        if self.network.oriented:
            cosine, sine = found["oriented"][..., 2:].split(1, 2)
            # Turned back by a quarter and added again, for the range that YOLOv8 exports have.
            parts.append(0.5 * torch.atan2(-cosine, sine) + math.pi / 4.0)
        rows = torch.cat(parts, 2).transpose(1, 2)
        return (rows, found["prototypes"]) if self.network.masks else rows


def _double(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def _gather(maps: list[Tensor]) -> Tensor:
    """Maps (B, D, h, w) of the three strides as one (B, A, D), in float32."""
    # Whole numbers as the new shape, so that an exported graph has no shape arithmetic.
    flat = [m.reshape(*map(int, m.shape[:2]), int(m.shape[2] * m.shape[3])) for m in maps]
    return torch.cat(flat, 2).transpose(1, 2).float()


# --- training ------------------------------------------------------------------------------------


def overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and distance-IoU of boxes (..., 4) against boxes of a broadcastable shape."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    common = (high - low).clamp(min=0).prod(-1)
    sizes = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1)
    iou = common / (sizes - common + 1e-6)
    hull_low = torch.minimum(a[..., :2], b[..., :2])
    hull_high = torch.maximum(a[..., 2:], b[..., 2:])
    diagonal = (hull_high - hull_low).square().sum(-1) + 1e-6
    offset = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]).square().sum(-1) * 0.25
    return iou, iou - offset / diagonal


@torch.no_grad()
def assign(
    scores: Tensor, boxes: Tensor, points: Tensor, strides: Tensor, labels: Tensor, truth: Tensor
) -> tuple[Tensor, Tensor]:
    """Choose which points answer for which object, by how well they do already.

    Args:
        scores: (B, A, C) predicted probabilities.
        boxes: (B, A, 4) predicted boxes.
        points: (A, 2) centers of the cells.
        strides: (A,) their strides.
        labels: (B, M) class of each object, -1 where a row has no object.
        truth: (B, M, 4) box of each object.

    Returns:
        owner (B, A): the object a point answers for, -1 for none; and goal (B, A): the score it
        should give to that object's class, 0 where it has none.
    """
    present = labels >= 0
    x, y = points.unbind(1)
    edges = [x - truth[..., :1], y - truth[..., 1:2], truth[..., 2:3] - x, truth[..., 3:] - y]
    inside = torch.stack(edges).amin(0) > 0
    # Points near the middle only: a point in a far corner sees little of the object.
    middle = (truth[..., :2] + truth[..., 2:]) * 0.5
    gap = (points - middle[:, :, None]).abs().amax(3)
    inside &= gap < 2.5 * strides
    inside &= present[..., None]
    iou = overlap(truth[:, :, None], boxes[:, None])[0]
    index = labels.clamp(min=0)[..., None].expand(-1, -1, scores.shape[1])
    named = scores.transpose(1, 2).gather(1, index)
    quality = torch.where(inside, named.sqrt() * iou.pow(4) + 1e-9, 0.0)
    count = 8
    best = quality.topk(count, dim=2)
    chosen = torch.zeros_like(inside).scatter_(2, best.indices, best.values > 0)
    # A point that several objects chose goes to the one it fits best.
    iou = torch.where(chosen, iou, -1.0)
    fit, owner = iou.max(1)
    owner = torch.where(fit >= 0, owner, -1)
    mine = chosen & (owner[:, None] == torch.arange(truth.shape[1])[:, None])
    quality = torch.where(mine, quality, 0.0)
    # The best point of an object is asked for its IoU as score, the others for less.
    top = quality.amax(2, keepdim=True).clamp(min=1e-12)
    reached = torch.where(mine, iou, 0.0).amax(2, keepdim=True)
    goal = (quality / top * reached).amax(1)
    return owner, goal


def losses(
    found: dict[str, Tensor], network: Network, batch: dict[str, Tensor]
) -> dict[str, Tensor]:
    """The weighted losses of a batch: "class", "box" and, by task, "mask", "points" or "turn".

    Args:
        found: What `Network.forward` returned.
        network: The network that did, for its points.
        batch: "labels" (B, M), -1 for no object; "boxes" (B, M, 4); by task "owners"
            (B, 2, 2, 80, 80) uint8, samples of shapes.Scene.owners, "keypoints" (B, M, K, 3), or
            "oriented" (B, M, 5), rows of shapes.Scene.oriented.
    """
    if network.semantic:
        return {"map": _map_loss(found["maps"].float(), batch)}
    logits, boxes = found["scores"], found["boxes"]
    owner, goal = assign(
        logits.detach().sigmoid(),
        boxes.detach(),
        network.points,
        network.strides,
        batch["labels"],
        batch["boxes"],
    )
    image, point = torch.nonzero(owner >= 0, as_tuple=True)
    mine = owner[image, point]
    weight = goal[image, point]
    total = weight.sum().clamp(min=1.0)
    wanted = torch.zeros_like(logits)
    wanted[image, point, batch["labels"][image, mine]] = weight
    result = {
        "class": functional.binary_cross_entropy_with_logits(logits, wanted, reduction="sum")
        / total
    }
    truth = batch["boxes"][image, mine]
    fit = overlap(boxes[image, point], truth)[1]
    result["box"] = 3.0 * ((1.0 - fit) * weight).sum() / total
    size = (truth[:, 2:] - truth[:, :2]).clamp(min=4.0)
    if network.masks:
        result["mask"] = 3.0 * _mask_loss(found, batch, image, point, mine, weight) / total
    if network.keypoints:
        goals = batch["keypoints"][image, mine]
        seen = goals[..., 2]
        guess = found["keypoints"][image, point]
        off = (guess[..., :2] - goals[..., :2]) / size.prod(1).sqrt()[:, None, None]
        distance = functional.smooth_l1_loss(
            off, torch.zeros_like(off), reduction="none", beta=0.02
        )
        placed = (distance.sum(2) * seen).sum(1) / seen.sum(1).clamp(min=1.0)
        visible = functional.binary_cross_entropy_with_logits(
            guess[..., 2], seen, reduction="none"
        ).mean(1)
        result["points"] = ((20.0 * placed + 0.5 * visible) * weight).sum() / total
    if network.oriented:
        corners = boxes[image, point]
        center = (corners[:, :2] + corners[:, 2:]) * 0.5
        lost = _turn_loss(center, found["oriented"][image, point], batch["oriented"][image, mine])
        result["turn"] = 2.0 * (lost * weight).sum() / total
    return result


def _map_loss(maps: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Cross entropy of logits (B, 1 + C, 80, 80) against the share of each class in each cell."""
    kinds = functional.pad(batch["labels"], (1, 0), value=-1) + 1
    owners = batch["owners"].long()
    each = kinds.gather(1, owners.flatten(1)).reshape(owners.shape)
    shares = functional.one_hot(each, maps.shape[1]).float().mean((1, 2))
    return functional.cross_entropy(maps, shares.permute(0, 3, 1, 2))


def _turn_loss(center: Tensor, guess: Tensor, truth: Tensor) -> Tensor:
    """How far rotated boxes are off, 0 for none: (n,).

    Args:
        center: (n, 2) predicted centers.
        guess: (n, 4) predicted length, thickness and direction (cos, sin) of twice the angle.
        truth: (n, 5) center x and y, length, thickness, angle.

    Twice the angle, since a bar that is turned by half a turn is the same bar.  Beside the errors
    of size and direction, one by one, counts how different the boxes are as a whole: the Hellinger
    distance of the normal distributions that have the boxes' means and covariances.
    """
    size, wanted = guess[:, :2], truth[:, 2:4].clamp(min=2.0)
    scale = functional.smooth_l1_loss(size.log(), wanted.log(), reduction="none", beta=0.1).sum(1)
    direction = functional.normalize(guess[:, 2:], dim=1, eps=1e-3)
    goal = torch.stack([torch.cos(2.0 * truth[:, 4]), torch.sin(2.0 * truth[:, 4])], 1)
    turn = 1.0 - (direction * goal).sum(1)

    # Covariances [[a, b], [b, c]], the mean of both, in pixels squared.
    own, other = _spread(size, direction), _spread(wanted, goal)
    a, b, c = ((own + other) * 0.5).unbind(1)
    area = a * c - b * b
    x, y = (center - truth[:, :2]).unbind(1)
    apart = (c * x * x - 2.0 * b * x * y + a * y * y) / area / 8.0
    alike = size.square().prod(1) * wanted.square().prod(1) / 12.0**4
    distance = apart + 0.5 * (area.log() - 0.5 * alike.log())
    return (1.0 - torch.exp(-distance.clamp(min=0.0)) + 1e-3).sqrt() + scale + turn


def _spread(size: Tensor, direction: Tensor) -> Tensor:
    """Covariances (n, 3): xx, xy, yy of rectangles of a size and a direction of twice the angle."""
    long, short = (size.square() / 12.0).unbind(1)
    mean, half = (long + short) * 0.5, (long - short) * 0.5
    along = half[:, None] * direction
    return torch.stack([mean + along[:, 0], along[:, 1], mean - along[:, 0]], 1)


def _mask_loss(
    found: dict[str, Tensor],
    batch: dict[str, Tensor],
    image: Tensor,
    point: Tensor,
    mine: Tensor,
    weight: Tensor,
) -> Tensor:
    """The weighted sum over points of cross entropy plus Dice loss inside the object's box."""
    if len(image) > 96:  # a random part is enough, and much cheaper
        keep = torch.randperm(len(image))[:96]
        scale = weight.sum() / weight[keep].sum().clamp(min=1e-6)
        image, point, mine, weight = image[keep], point[keep], mine[keep], weight[keep] * scale
    truth = batch["boxes"][image, mine] / 4.0
    wanted = (batch["owners"][image] == (mine + 1)[:, None, None, None, None]).float().mean((1, 2))
    side = torch.arange(wanted.shape[-1]) + 0.5
    across = (side > truth[:, :1] - 1.0) & (side < truth[:, 2:3] + 1.0)
    down = (side > truth[:, 1:2] - 1.0) & (side < truth[:, 3:] + 1.0)
    box = (down[:, :, None] & across[:, None, :]).float()
    area = box.sum((1, 2)).clamp(min=1.0)
    coefficients = found["coefficients"][image, point]
    result = weight.new_zeros(())
    # By image, since every image has its own prototypes.
    for index in image.unique().tolist():
        at = image == index
        guess = torch.einsum("nd,dhw->nhw", coefficients[at], found["prototypes"][index].float())
        entropy = functional.binary_cross_entropy_with_logits(guess, wanted[at], reduction="none")
        entropy = (entropy * box[at]).sum((1, 2)) / area[at]
        filled = guess.sigmoid() * box[at]
        common = 2.0 * (filled * wanted[at]).sum((1, 2)) + 1.0
        dice = 1.0 - common / (filled.sum((1, 2)) + (wanted[at] * box[at]).sum((1, 2)) + 1.0)
        result = result + ((entropy + dice) * weight[at]).sum()
    return result
