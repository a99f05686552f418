import stat
import zipfile
from pathlib import Path

import pytest

from builder.datasets.files import Archive, Folder, read_text, safe
from builder.diagnostics.errors import DatasetError


def archive(tmp_path: Path, members: dict[str, bytes]) -> Archive:
    file = tmp_path / "export.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members.items():
            target.writestr(name, data)
    return Archive(file, tmp_path / "extracted")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/b.jpg", "a/b.jpg"),
        ("./a//b.jpg", "a/b.jpg"),
        ("a\\b.jpg", "a/b.jpg"),
        ("/a/b.jpg", "a/b.jpg"),
        ("C:\\a\\b.jpg", "a/b.jpg"),
        ("../b.jpg", None),
        ("a/../../b.jpg", None),
        ("..\\b.jpg", None),
        ("a\0b.jpg", None),
        ("", None),
        (".", None),
    ],
)
def test_a_path_never_leads_out_of_its_folder(name: str, expected: str | None) -> None:
    assert safe(name) == expected


def test_an_archive_and_its_folder_have_the_same_files(tmp_path: Path) -> None:
    members = {"a.txt": b"1", "b/c.txt": b"2", "b/d/e.txt": b"3"}
    zipped = archive(tmp_path, members)
    for name, data in members.items():
        file = tmp_path / "folder" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    folder = Folder(tmp_path / "folder")
    for files in (zipped, folder):
        assert sorted(files.below("")) == sorted(members)
        assert sorted(files.below("b")) == ["b/c.txt", "b/d/e.txt"]
        assert files.children("") == ["b"]
        assert files.children("b") == ["d"]
        assert files.has_folder("b/d")
        assert not files.has_folder("b/c.txt")
        assert "b/c.txt" in files
        assert "b" not in files
        assert files.path("b/d/e.txt").read_bytes() == b"3"
    zipped.close()


def test_a_single_folder_in_an_archive_is_its_root(tmp_path: Path) -> None:
    zipped = archive(tmp_path, {"task/a.txt": b"1", "task/b/c.txt": b"2", "__MACOSX/a": b""})
    assert sorted(zipped.below("")) == ["a.txt", "b/c.txt"]
    zipped.close()


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/a", "C:/a", "..\\a", "a\nb"])
def test_a_member_outside_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="has a member whose path is not allowed"):
        archive(tmp_path, {name: b"1"})
    assert not (tmp_path / "extracted").exists()


def test_a_bomb_is_not_extracted(tmp_path: Path) -> None:
    zipped = archive(tmp_path, {"annotations.xml": bytes(100 * 2**20), "small.txt": bytes(10**6)})
    with pytest.raises(DatasetError, match="is compressed from 104857600 to"):
        zipped.path("annotations.xml")
    assert zipped.path("small.txt").stat().st_size == 10**6
    zipped.close()


def test_a_link_in_an_archive_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    link = zipfile.ZipInfo("a.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as target:
        target.writestr(link, str(secret))
    zipped = Archive(tmp_path / "link.zip", tmp_path / "extracted")
    assert read_text(zipped, "a.txt") == str(secret)
    zipped.close()


def test_a_damaged_member_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "export.zip"
    with zipfile.ZipFile(file, "w") as target:
        target.writestr("a.txt", b"0123456789" * 10)
    file.write_bytes(file.read_bytes().replace(b"0123456789", b"0123456780", 1))
    zipped = Archive(file, tmp_path / "extracted")
    with pytest.raises(DatasetError, match=r"export.zip/a.txt: cannot be extracted: Bad CRC-32"):
        read_text(zipped, "a.txt")
    assert list((tmp_path / "extracted").iterdir()) == []
    zipped.close()


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"1 2\0 3")
    with pytest.raises(DatasetError, match="is not text: NUL character"):
        read_text(Folder(tmp_path), "a.txt")
