import zipfile
from pathlib import Path

import numpy as np
import pytest

from builder.datasets.annotation import Ellipse, Keypoints, Mask, Polygons, Rectangle, Tag
from builder.datasets.registry import open_dataset
from builder.diagnostics.errors import DatasetError
from tests.builder.datasets.conftest import WriteFiles

META = """
  <version>1.1</version>
  <meta><task><start_frame>0</start_frame><frame_filter></frame_filter><labels>
    <label><name>car</name><type>any</type></label>
    <label><name>person</name><type>skeleton</type></label>
    <label><name>nose</name><type>points</type><parent>person</parent></label>
    <label><name>hand</name><type>points</type><parent>person</parent></label>
    <label><name>unused</name><type>any</type></label>
  </labels></task></meta>
"""
IMAGES = f"""<?xml version="1.0" encoding="utf-8"?>
<annotations>{META}
  <image id="0" name="a/1.jpg" width="64" height="48">
    <box label="car" source="manual" occluded="0" xtl="1.50" ytl="2" xbr="30" ybr="40"
         rotation="30.00" z_order="0"><attribute name="color">dark red</attribute></box>
    <polygon label="car" occluded="1" points="1.00,2.00;30.00,2.50;4.00,20.00" z_order="0"/>
    <polyline label="car" occluded="0" points="1,2;3,4" z_order="0"/>
    <ellipse label="car" occluded="0" cx="10" cy="20" rx="5" ry="7.5" z_order="0"/>
    <mask label="car" occluded="0" rle="1, 2, 3" left="5" top="6" width="3" height="2"/>
    <points label="car" occluded="0" points="7,8;9,10"/>
    <skeleton label="person" source="manual" z_order="0">
      <points label="hand" outside="0" occluded="1" points="11.00,12.00"/>
      <points label="nose" outside="0" occluded="0" points="13.00,14.00"/>
    </skeleton>
    <skeleton label="person" source="manual" z_order="0">
      <points label="hand" outside="1" occluded="0" points="1,2"/>
      <points label="nose" outside="0" occluded="0" points="13,14"/>
      <attribute name="pose">sitting</attribute>
    </skeleton>
    <cuboid label="car" occluded="0" xtl1="1"/>
    <tag label="car" source="manual"/>
  </image>
  <image id="1" name="2.png" width="64" height="48"></image>
</annotations>
"""


@pytest.fixture
def images(write_files: WriteFiles) -> Path:
    return write_files(
        {"annotations.xml": IMAGES, "images/a/1.jpg": (64, 48), "images/2.png": (64, 48)}
    )


def test_every_shape_of_images_is_read(images: Path) -> None:
    with open_dataset(images) as dataset:
        assert dataset.format == "CVAT for images"
        assert dataset.labels == ("car", "person", "unused")
        first, second = dataset
    assert (first.name, first.file) == ("a/1.jpg", images / "images/a/1.jpg")
    assert (second.name, second.annotations) == ("2.png", ())
    box, polygon, ellipse, mask, points, person, sitting, tag = first.annotations
    assert box.shape == Rectangle(1.5, 2, 30, 40, 30)
    assert box.attributes == {"color": "dark red"}
    assert polygon.shape == Polygons(((1, 2, 30, 2.5, 4, 20),))
    assert ellipse.shape == Ellipse(10, 20, 5, 7.5)
    assert isinstance(mask.shape, Mask)
    assert (mask.shape.left, mask.shape.top) == (5, 6)
    assert mask.shape.bitmap.tolist() == [[False, True, True], [False, False, False]]
    assert isinstance(points.shape, Keypoints)
    assert points.shape.points.tolist() == [[7, 8], [9, 10]]
    assert isinstance(person.shape, Keypoints)
    assert person.label == "person"
    assert person.shape.names == ("nose", "hand")
    assert person.shape.points.tolist() == [[13, 14], [11, 12]]
    assert person.shape.visibility.tolist() == [2, 1]
    assert isinstance(sitting.shape, Keypoints)
    assert sitting.shape.visibility.tolist() == [2, 0]
    assert sitting.attributes == {"pose": "sitting"}
    assert isinstance(tag.shape, Tag)


def test_the_file_alone_and_the_archive_are_the_same_dataset(images: Path) -> None:
    archive = images.parent / "export.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for file in sorted(images.rglob("*")):
            target.write(file, f"task/{file.relative_to(images)}")
    for path in (images / "annotations.xml", archive):
        with open_dataset(path) as dataset:
            assert [image.name for image in dataset] == ["a/1.jpg", "2.png"]
            assert all(image.file.stat().st_size for image in dataset)
            extracted = dataset[0].file
    assert not extracted.exists()


def test_images_of_a_project_are_in_folders_of_their_subsets(write_files: WriteFiles) -> None:
    image = '<image id="{}" name="1" subset="{}" task_id="1" width="9" height="9"></image>'
    folder = write_files(
        {
            "annotations.xml": "<annotations>"
            + image.format(0, "Train")
            + image.format(1, "Validation")
            + "</annotations>",
            "images/Train/1.PNG": (9, 9),
            "images/Validation/1.PNG": (9, 9),
        }
    )
    with open_dataset(folder) as dataset:
        assert [(image.name, image.file.parent.name) for image in dataset] == [
            ("Train/1", "Train"),
            ("Validation/1", "Validation"),
        ]


def box(frame: int, outside: int = 0, keyframe: int = 1) -> str:
    return (
        f'<box frame="{frame}" outside="{outside}" occluded="0" keyframe="{keyframe}" '
        f'xtl="{frame}" ytl="0" xbr="20" ybr="30" z_order="0"/>'
    )


def video(*shapes: str) -> str:
    track = f'<track id="3" label="car" source="manual">{"".join(shapes)}</track>'
    return f"<annotations>{META}{track}</annotations>"


def test_tracks_of_a_video_are_in_their_frames(write_files: WriteFiles) -> None:
    skeleton = (
        '<skeleton frame="1" keyframe="1" z_order="0">'
        '<points label="nose" keyframe="1" outside="0" occluded="0" points="1,2"/>'
        "</skeleton>"
    )
    people = f'<track id="4" label="person">{skeleton}</track>'
    text = video(box(0), box(1, keyframe=0), box(2, outside=1), box(4))
    folder = write_files(
        {
            "annotations.xml": text.replace("</annotations>", people + "</annotations>"),
            **{f"images/frame_{number:06d}.png": (64, 48) for number in range(5)},
        }
    )
    with open_dataset(folder) as dataset:
        assert dataset.format == "CVAT for video"
        found = [[(it.label, it.track) for it in image.annotations] for image in dataset]
        assert found == [[("car", 3)], [("car", 3), ("person", 4)], [], [], [("car", 3)]]
        assert dataset[1].annotations[0].shape == Rectangle(1, 0, 20, 30)
        keypoints = dataset[1].annotations[1].shape
    assert isinstance(keypoints, Keypoints)
    assert np.array_equal(keypoints.visibility, [2, 0])


def test_a_track_without_a_shape_between_keyframes_is_refused(write_files: WriteFiles) -> None:
    files = {f"images/frame_{number:06d}.png": (64, 48) for number in range(3)}
    folder = write_files({"annotations.xml": video(box(0), box(2)), **files})
    with pytest.raises(DatasetError, match="the track has no shape in frame 1"):
        open_dataset(folder)
    (folder / "images/frame_000001.png").unlink()  # CVAT leaves deleted frames out
    with open_dataset(folder) as dataset:
        assert len(dataset) == 2


def test_frames_of_a_task_of_images_are_counted_by_their_names(write_files: WriteFiles) -> None:
    text = video(box(4, outside=1), box(7)).replace("<task>", "<task><size>2</size>")
    text = text.replace("<start_frame>0", "<start_frame>4")
    text = text.replace("<frame_filter>", "<frame_filter>step=3")
    images = {"images/b.png": (9, 9), "images/a.png": (9, 9)}
    folder = write_files({"annotations.xml": text, **images})
    with open_dataset(folder) as dataset:
        assert [(image.file.name, len(image.annotations)) for image in dataset] == [
            ("a.png", 0),
            ("b.png", 1),
        ]
    (folder / "images/a.png").unlink()
    with pytest.raises(DatasetError, match="the task has 2 frames, and 1 images were found"):
        open_dataset(folder)


def test_frames_without_images_are_refused(write_files: WriteFiles) -> None:
    folder = write_files({"annotations.xml": video(box(7)), "images/frame_000000.png": (9, 9)})
    with pytest.raises(DatasetError, match="frame 7 has annotations and no image"):
        open_dataset(folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('xtl="1.50"', 'xtl="nan"', "xtl: is not a finite number"),
        ('ytl="2"', "", "has no `ytl`"),
        ('rle="1, 2, 3"', 'rle="1, 2, 4"', "has 7 pixels for a mask of 3 x 2"),
        ('width="3"', 'width="999999999"', "is a mask of 999999999 x 2 pixels"),
        ("1.00,2.00;30.00,2.50;", "", "points: is not a polygon"),
        ("7,8;9,10", "7;9,10", "points: has 1 numbers"),
        ('points label="hand"', 'points label="foot"', "is not a keypoint of this skeleton"),
    ],
)
def test_an_invalid_shape_is_reported_with_its_line(
    images: Path, old: str, new: str, message: str
) -> None:
    text = (images / "annotations.xml").read_text()
    (images / "annotations.xml").write_text(text.replace(old, new, 1))
    with open_dataset(images) as dataset, pytest.raises(DatasetError, match=message) as caught:
        dataset[0]
    (problem,) = caught.value.problems
    assert problem.file == images / "annotations.xml"
    line = text.splitlines()[problem.line - 1]
    assert old in line or "<box" in line  # a tag's line is the one that it starts on


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('label="car" source', 'label="bus" source', "unknown label"),
        ('name="2.png"', 'name="a/1.jpg"', "has the name of another image"),
        ('name="2.png"', 'name="b/1.jpg"', "image not found"),
        ('name="2.png"', 'name="../2.png"', "is the path of an image outside the dataset"),
        ("</annotations>", "", "is not valid XML: no element found"),
        ("<annotations>", '<!DOCTYPE a [<!ENTITY b "c">]><annotations>', "document type"),
    ],
)
def test_an_invalid_file_is_refused(images: Path, old: str, new: str, message: str) -> None:
    text = (images / "annotations.xml").read_text()
    (images / "annotations.xml").write_text(text.replace(old, new, 1))
    with pytest.raises(DatasetError, match=message):
        open_dataset(images)


def test_missing_images_are_counted_and_may_be_elsewhere(images: Path) -> None:
    elsewhere = images.parent / "elsewhere"
    (images / "images").rename(elsewhere)
    with pytest.raises(DatasetError, match="2 images not found") as caught:
        open_dataset(images)
    (problem,) = caught.value.problems
    assert problem.found == "a/1.jpg"
    assert "--images DIR" in problem.hint
    with open_dataset(images, elsewhere) as dataset:
        assert dataset[0].file == elsewhere / "a/1.jpg"
    (elsewhere / "a/1.jpg").rename(elsewhere / "1.jpg")
    with open_dataset(images, elsewhere) as dataset:
        assert dataset[0].file == elsewhere / "1.jpg"
