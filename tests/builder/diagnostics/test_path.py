import pytest

from builder.diagnostics.path import Path_, is_within, spell


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("name",), "name"),
        (("labels", 1, "type"), "labels[1].type"),
        (("postprocess", 1, "nms", "iou"), "postprocess[1].nms.iou"),
        (("then", 0, "only", 2), "then[0].only[2]"),
        ((0, "name"), "[0].name"),
    ],
)
def test_a_path_is_spelled_with_dots_and_brackets(path: Path_, text: str) -> None:
    assert spell(path) == text


def test_a_value_is_within_itself_and_all_above_it() -> None:
    path: Path_ = ("postprocess", 1, "nms")
    assert all(is_within(path, path[:length]) for length in range(4))


@pytest.mark.parametrize("above", [("postprocess", 0), ("post",), ("postprocess", 1, "nms", "iou")])
def test_a_value_is_not_within_others(above: Path_) -> None:
    assert not is_within(("postprocess", 1, "nms"), above)
