"""No test model is taken for one of another family with certainty."""

import pytest

from builder.families.registry import families
from tests.confusion import Row, rows


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    return rows(tmp_path_factory.mktemp("confusion"))


def test_no_model_is_sure_of_a_wrong_family(matrix: list[Row]) -> None:
    wrong = [
        (row.model, family, level)
        for row in matrix
        for family, level in row.levels.items()
        if family != row.right and level in ("certain", "sure")
    ]
    assert wrong == []


def test_a_model_with_a_family_is_recognized_as_it(matrix: list[Row]) -> None:
    for row in matrix:
        if row.decoder is not None:
            best = row.ranking.best
            assert best is not None, row.model
            assert best.postprocess[0].name == row.decoder


def test_models_of_other_tasks_are_unknown_or_unsure(matrix: list[Row]) -> None:
    levels = {row.model: row.ranking.sureness for row in matrix if row.decoder is None}
    assert set(levels.values()) <= {"unknown", "unsure"}, levels


def test_every_family_with_one_file_has_a_model(matrix: list[Row]) -> None:
    tested = {row.right for row in matrix}
    assert {it.name for it in families() if it.recognize and it.type != "interactor"} <= tested
