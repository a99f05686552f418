import numpy as np

from runtimes.clock import Clock
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.masks import FrameMasks
from runtimes.timed import TimedMasks, timed

BOXES = np.array([[0, 0, 4, 4], [4, 4, 8, 8]], np.float64)


def instances(masks: FrameMasks | None) -> Instances:
    return Instances(BOXES, np.ones(2), np.zeros(2, np.int64), masks=masks)


def masks() -> FrameMasks:
    values = np.zeros((2, 8, 8), np.float32)
    values[0, 1:3, 1:4] = 1
    values[1, 5:7, 5:6] = 1
    return FrameMasks.over(values, 0.5, (8, 8))


def test_timed_masks_are_the_same_masks_and_counted_as_a_stage() -> None:
    clock = Clock()
    measured = timed(instances(masks()).take(np.array([1, 0])), clock).take(np.array([1]))
    assert isinstance(measured.masks, TimedMasks)
    assert clock.stages == {}
    moved = measured.masks.to_image(Geometry())
    plain = masks()
    for own in (measured.masks, moved):
        found, expected = own.crop(0, BOXES[0], (8, 8)), plain.crop(0, BOXES[0], (8, 8))
        assert found is not None
        assert expected is not None
        assert np.array_equal(found.bitmap, expected.bitmap)
        assert (found.left, found.top) == (expected.left, expected.top)
    assert list(clock.stages) == ["masks"]


def test_instances_without_masks_stay_as_they_are() -> None:
    plain = instances(None)
    assert timed(plain, Clock()) is plain
