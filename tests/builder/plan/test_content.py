import hashlib
from pathlib import Path

from builder.plan.content import Content, Derived, digest, read, view


def test_reading_and_digests(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    derived = Derived.of(tmp_path / "file", b"add d", lambda it: read(it) + b"d")
    contents: dict[bytes, list[Content]] = {b"abc": [b"abc", tmp_path / "file"], b"abcd": [derived]}
    for data, same in contents.items():
        for content in same:
            assert read(content) == view(content) == data
            assert digest(content) == hashlib.sha256(data).hexdigest()


def test_content_is_computed_once_and_only_when_it_is_needed() -> None:
    calls = []

    def change(before: Content) -> bytes:
        calls.append(before)
        return b"after"

    derived = Derived.of(b"before", b"recipe", change)
    assert calls == []
    assert read(derived) == read(derived) == b"after"
    assert calls == [b"before"]


def test_released_content_is_computed_again() -> None:
    calls = []

    def change(before: Content) -> bytes:
        calls.append(before)
        return read(before) + b"+"

    first = Derived.of(b"before", b"recipe", change)
    second = Derived.of(first, b"recipe", change)
    for _ in range(2):
        assert read(second) == b"before++"
        second.release()
    assert calls == [first, b"before"] * 2


def test_the_recipe_of_two_changes_contains_both(tmp_path: Path) -> None:
    def recipe(before: Content, *changes: bytes) -> bytes:
        for change in changes:
            before = Derived.of(before, change, read)
        assert isinstance(before, Derived)
        return before.recipe

    file = tmp_path / "file"
    recipes = [
        recipe(file, b"a"),
        recipe(file, b"b"),
        recipe(file, b"a", b"b"),
        recipe(file, b"b", b"a"),
        recipe(file, b"ab"),
        recipe(b"replaced", b"a"),
        recipe(b"other", b"a"),
    ]
    assert len(set(recipes)) == len(recipes)
    assert recipe(file, b"a", b"b") == recipe(file, b"a", b"b")
