from pathlib import Path

from builder.evaluation.parity.pictures import files_of, pictures
from tests.builder.conftest import failure


def test_a_folder_gives_its_images_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    for name in ("clip/10.png", "clip/9.JPG", "b.png", "notes.txt"):
        (tmp_path / name).write_bytes(name.encode())
    files = files_of([tmp_path, tmp_path / "notes.txt"])
    assert [it.name for it in files] == ["b.png", "clip/9.JPG", "clip/10.png", "notes.txt"]
    read = list(pictures(files))
    assert [it.data for it in read[:2]] == [(b"b.png",), (b"clip/9.JPG",)]
    assert read[0].name == str(tmp_path / "b.png")


def test_two_images_together(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(name.encode())
    (found,) = pictures(files_of([tmp_path]), together=2)
    assert found.data == (b"a.png", b"b.png")
    assert found.name == f"{tmp_path / 'a.png'} {tmp_path / 'b.png'}"


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "contains no images" in str(failure(lambda: files_of([tmp_path])))
    error = failure(lambda: files_of([tmp_path / "absent.png"]))
    assert (error.status, "no such file" in str(error)) == (2, True)
