import sqlite3
from pathlib import Path

import pytest

from builder.datasets.annotation import LabeledImage
from builder.diagnostics.errors import OutputError
from builder.evaluation.measure import Sample
from builder.evaluation.store import Store, Stored, identity_of, key_of, store_path
from builder.targets.lock import LOCK, Lock

ANSWER = Stored({"items": [1.5, "é", None]}, 2, 12.5)


def sample(file: Path, prompt: object = None) -> Sample:
    return Sample(file.name, (LabeledImage(file.name, file, ()),), prompt)


def test_answers_survive_closing(tmp_path: Path) -> None:
    with Store(tmp_path / "a" / "x.sqlite", "one") as store:
        store.put(b"key", ANSWER)
    with Store(tmp_path / "a" / "x.sqlite", "one") as store:
        assert store.get(b"key") == ANSWER
        assert store.get(b"other") is None


def test_another_identity_empties_the_store(tmp_path: Path) -> None:
    with Store(tmp_path / "x.sqlite", "one") as store:
        store.put(b"key", ANSWER)
    with Store(tmp_path / "x.sqlite", "two") as store:
        assert store.get(b"key") is None
    with Store(tmp_path / "x.sqlite", "one") as store:
        assert store.get(b"key") is None


def test_answers_are_written_together_after_a_second(tmp_path: Path) -> None:
    now = [0.0]
    path = tmp_path / "x.sqlite"

    def written() -> int:
        with sqlite3.connect(path) as database:
            count: int = database.execute("select count(*) from answers").fetchone()[0]
        database.close()
        return count

    with Store(path, "one", clock=lambda: now[0]) as store:
        store.put(b"1", ANSWER)
        now[0] = 0.9
        store.put(b"2", ANSWER)
        assert written() == 0
        assert store.get(b"2") == ANSWER
        now[0] = 1.0
        store.put(b"3", ANSWER)
        assert written() == 3


def test_a_file_of_another_program_is_an_error_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite"
    file.write_text("not a database, but long enough to be taken for one" * 30)
    with pytest.raises(OutputError, match="stored answers cannot be used") as caught:
        Store(file, "one")
    assert caught.value.problems[0].file == file


def test_a_damaged_answer_is_an_error(tmp_path: Path) -> None:
    with Store(tmp_path / "x.sqlite", "one") as store:
        store.put(b"key", ANSWER)
    database = sqlite3.connect(tmp_path / "x.sqlite")
    with database:
        database.execute("update answers set answer = 'nonsense'")
    database.close()
    with (
        Store(tmp_path / "x.sqlite", "one") as store,
        pytest.raises(OutputError, match="delete the file"),
    ):
        store.get(b"key")


def test_keys_depend_on_the_content_of_images_and_on_the_prompt(tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("1.png", "2.png", "3.png"))
    for file, content in ((one, b"a"), (same, b"a"), (other, b"b")):
        file.write_bytes(content)
    assert key_of(sample(one)) == key_of(sample(same))
    assert key_of(sample(one)) != key_of(sample(other))
    assert key_of(sample(one)) != key_of(sample(one, {"threshold": 0.1}))
    assert key_of(sample(one, {"a": 1, "b": 2})) == key_of(sample(one, {"b": 2, "a": 1}))


def test_identity_depends_on_every_file_of_the_function(tmp_path: Path) -> None:
    lock = Lock("1", {"m.yaml": "0"}, {"main.py": "0", "model.onnx": "0"})
    (tmp_path / LOCK).write_text(lock.text())
    for path in lock.files:
        (tmp_path / path).write_text(path)
    first = identity_of(tmp_path, "cpu", device="CPU")
    assert identity_of(tmp_path, "cpu", device="CPU") == first
    assert identity_of(tmp_path, "gpu", device="CPU") != first
    assert identity_of(tmp_path, "cpu", device="GPU") != first
    (tmp_path / "main.py").write_text("edited by hand")
    assert identity_of(tmp_path, "cpu", device="CPU") != first


def test_functions_of_one_name_in_two_places_have_two_stores(tmp_path: Path) -> None:
    paths = {
        store_path(tmp_path, tmp_path / "a" / "yolo", "cpu"),
        store_path(tmp_path, tmp_path / "b" / "yolo", "cpu"),
        store_path(tmp_path, tmp_path / "b" / "yolo", "gpu"),
    }
    assert len(paths) == 3
    assert all(path.name.startswith("yolo-") for path in paths)


def test_stores_are_in_the_cache_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CVATBUILD_CACHE", str(tmp_path))
    assert store_path(None, Path("build/yolo"), "cpu").parent == tmp_path / "evaluation"
