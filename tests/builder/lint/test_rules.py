import pytest

from tests.builder.lint.conftest import Lint


@pytest.mark.parametrize(
    ("function_type", "models"),
    [("detector", "yolo"), ("interactor", "sam"), ("tracker", "siamfc"), ("reid", "embedder")],
)
def test_nothing_is_reported_about_a_valid_manifest(
    lint: Lint, function_type: str, models: str
) -> None:
    assert lint(function_type, models) == []


def test_problems_of_several_subjects_are_in_the_order_of_the_lines(lint: Lint) -> None:
    found = lint(
        "detector",
        "yolo",
        labels=["background", "dog", "bird"],
        postprocess=["yolo", "rectangle"],
        threshold=0.99,
        variants={"cpu": {"port": 8080}},
    )
    places = [place for _, place in found]
    assert places == ["labels[0]", "postprocess[0].yolo", "threshold", "variants.cpu.port"]
