import pytest

from builder.families.ultralytics import TASKS, UltralyticsMetadata

EXPORT = {
    "task": "pose",
    "names": "{0: 'person', 1: 'dog'}",
    "kpt_shape": "[17, 3]",
    "end2end": "True",
    "description": "Ultralytics YOLO11n-pose model",
}


def test_the_entries_of_an_export_are_read() -> None:
    assert UltralyticsMetadata.of(EXPORT) == UltralyticsMetadata("pose", 2, (17, 3), True, False)


@pytest.mark.parametrize("task", TASKS)
def test_all_tasks_are_known(task: str) -> None:
    assert UltralyticsMetadata.of({"task": task}).task == task


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("task", "detection"),
        ("names", "person"),
        ("names", "[]"),
        ("names", "7"),
        ("names", "__import__('os')"),
        ("kpt_shape", "[17]"),
        ("kpt_shape", "[17, 4]"),
        ("kpt_shape", "[0, 3]"),
        ("kpt_shape", "[1000000, 3]"),
        ("kpt_shape", "[True, 3]"),
        ("kpt_shape", "[17.0, 3]"),
        ("kpt_shape", "17, 3, 1"),
        ("args", "5"),
        ("args", "{'nms': False}"),
        ("args", "{'nms': 1}"),
        ("end2end", "yes"),
        ("description", "x" * 200 + "RT-DETR"),
    ],
)
def test_an_invalid_entry_counts_as_absent(key: str, value: str) -> None:
    assert UltralyticsMetadata.of({key: value}) == UltralyticsMetadata()


@pytest.mark.parametrize("entry", [{"end2end": "true"}, {"args": "{'nms': True}"}])
def test_exports_say_that_their_outputs_need_no_nms(entry: dict[str, str]) -> None:
    assert UltralyticsMetadata.of(entry).suppressed


@pytest.mark.parametrize("name", ["RT-DETR", "rtdetr-l"])
def test_the_description_names_rtdetr(name: str) -> None:
    assert UltralyticsMetadata.of({"description": f"Ultralytics {name} model"}).rtdetr
