import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.diagnostics.errors import CvatbuildError, ManifestError
from builder.diagnostics.path import spell
from builder.diagnostics.problem import Problem
from builder.manifest import located_yaml
from builder.manifest.located_yaml import LocatedYaml
from tests.builder.conftest import failure

FILE = Path("m.yaml")


def problem(text: str) -> Problem:
    error = failure(lambda: LocatedYaml.parse(text, FILE))
    assert isinstance(error, ManifestError)
    (only,) = error.problems
    return only


def test_data_of_a_text() -> None:
    text = "name: yolo\nsizes: [1, 2.5, -3]\nempty:\nflags: {a: true, b: false}\n"
    assert LocatedYaml.parse(text, FILE).data == {
        "name": "yolo",
        "sizes": [1, 2.5, -3],
        "empty": None,
        "flags": {"a": True, "b": False},
    }


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n"])
def test_text_without_a_value_is_none(text: str) -> None:
    assert LocatedYaml.parse(text, FILE).data is None


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("name",), (1, 1)),
        (("postprocess",), (2, 1)),
        (("postprocess", 0), (3, 5)),
        (("postprocess", 1), (4, 5)),
        (("postprocess", 1, "nms"), (4, 5)),
        (("postprocess", 1, "nms", "iou"), (4, 11)),
        (("postprocess", 1, "nms", "max"), (4, 21)),
    ],
)
def test_a_value_has_the_location_of_its_key_or_in_a_list_its_own(
    path: tuple[str | int, ...], place: tuple[int, int]
) -> None:
    text = "name: yolo\npostprocess:\n  - yolo\n  - nms: {iou: 0.5, max: 10}\n"
    assert LocatedYaml.parse(text, FILE).locations[path] == place


def test_a_problem_is_located_at_the_nearest_existing_value() -> None:
    document = LocatedYaml.parse("a: 1\nmodel:\n  url: x\n", FILE)
    found = document.problem(("model", "sha256"), "is missing")
    assert (found.file, found.line, found.column) == (FILE, 2, 1)
    assert found.place == "model.sha256"
    assert str(found) == "m.yaml:2:1: model.sha256: is missing"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("a",), "a"),
        (("postprocess", 1, "nms"), "postprocess[1].nms"),
        (("a", 0, 2), "a[0][2]"),
    ],
)
def test_paths_as_text(path: tuple[str | int, ...], text: str) -> None:
    assert spell(path) == text


def test_a_duplicate_key_is_refused_with_the_line_of_the_first() -> None:
    found = problem("name: a\nx:\n  - k: 1\n    j: 2\n    k: 3\n")
    assert (found.line, found.column, found.place) == (5, 5, "x[0].k")
    assert "line 3" in found.what


def test_a_duplicate_key_in_another_notation_is_refused() -> None:
    assert problem("name: a\n'name': b\n").place == "name"


@pytest.mark.parametrize("word", ["no", "on", "yes", "off", "No", "ON"])
def test_booleans_keep_their_text(word: str) -> None:
    document = LocatedYaml.parse(f"labels: [a, {word}]\n", FILE)
    assert isinstance(document.data["labels"][1], bool)
    assert document.found(("labels", 1)) == word


@pytest.mark.parametrize("text", ["2.60", "1e3", "0x1F", "1_000"])
def test_numbers_keep_their_text(text: str) -> None:
    assert LocatedYaml.parse(f"cvat: {text}\n", FILE).found(("cvat",)) == text


@pytest.mark.parametrize("text", ["2024-01-01", "2024-01-01 10:00:00", "2024-01-01T10:00:00Z"])
def test_dates_stay_text(text: str) -> None:
    assert LocatedYaml.parse(f"name: {text}\n", FILE).data == {"name": text}


def test_a_long_value_is_shortened_for_a_message() -> None:
    found = LocatedYaml.parse(f"a: {'x' * 100}\n", FILE).found(("a",))
    assert found == "x" * 77 + "..."


def test_an_alias_has_the_value_of_its_anchor() -> None:
    document = LocatedYaml.parse("a: &x [1, 2]\nb: *x\n", FILE)
    assert document.data == {"a": [1, 2], "b": [1, 2]}


def test_aliases_that_expand_to_billions_of_values_are_refused() -> None:
    lines = [
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)
    ]
    text = "\n".join(["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", *lines])
    assert "too many" in problem(text).what


@pytest.mark.parametrize("text", ["a: &x [*x]\n", "&x {a: *x}\n", "a: &x {b: {c: *x}}\n"])
def test_an_alias_within_its_own_anchor_is_refused(text: str) -> None:
    assert "deeply nested" in problem(text).what


# 60 levels parse and are counted; 2000 exhaust the stack of the YAML library itself.
@pytest.mark.parametrize("depth", [60, 2_000])
@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused(opening: str, depth: int) -> None:
    failure(lambda: LocatedYaml.parse(opening * depth, FILE))


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system ['echo']\n",
        "a: !!python/object:builtins.dict {b: 1}\n",
        "a: !!python/name:os.system\n",
        "a: !!python/name:os.system ''\n",
        "a: !own 1\n",
        "a: !own [1]\n",
        "a: !own {b: 1}\n",
        "a: !!binary aGVsbG8=\n",
        "a: !!timestamp 2024-01-01\n",
        "!!python/name:os.system '': 1\n",
    ],
)
def test_tags_are_refused(text: str) -> None:
    found = problem(text)
    assert found.line == 1


@pytest.mark.parametrize(
    "text",
    [
        "a: !!int ''\n",
        "a: !!int abc\n",
        "a: !!float ''\n",
        "a: !!bool maybe\n",
        "a: !!timestamp abc\n",
        "a: 0b_\n",
        "0b_: a\n",
        'a: "\\U00110000"\n',
        f"a: {'9' * 5000}\n",
    ],
)
def test_a_scalar_that_does_not_match_its_tag_is_refused(text: str) -> None:
    failure(lambda: LocatedYaml.parse(text, FILE))


def test_merge_keys_are_refused() -> None:
    found = problem("base: &b {x: 1}\nother:\n  <<: *b\n")
    assert (found.line, found.column) == (3, 3)
    assert "merge" in found.what


@pytest.mark.parametrize("key", ["1", "1.5", "true", "null", "[a]", "{a: b}", "? [a, b]\n"])
def test_keys_that_are_not_text_are_refused(key: str) -> None:
    found = problem(f"a: 1\n{key}: 2\n")
    assert found.line == 2
    assert "not text" in found.what


def test_numbers_are_keys_if_the_caller_allows_them() -> None:
    document = LocatedYaml.parse("names: {0: cat, 1: dog}\n", FILE, text_keys=False)
    assert document.data == {"names": {0: "cat", 1: "dog"}}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: [1, 2\nb: 3\n", 2, 2),
        ("a: 'x\n", 2, 1),
        ("a:\n\t- b\n", 2, 1),
        ("a: b: c\n", 1, 5),
        ("a: *nothing\n", 1, 4),
    ],
)
def test_invalid_yaml_is_reported_with_its_location(text: str, line: int, column: int) -> None:
    found = problem(text)
    assert found.what.startswith("is not valid YAML")
    assert (found.line, found.column) == (line, column)


def test_two_documents_in_one_file_are_refused() -> None:
    assert problem("a: 1\n---\nb: 2\n").what.startswith("is not valid YAML")


@pytest.mark.parametrize("text", ["a: \x00\n", "a: \x07\n", "a: \ufffe\n"])
def test_control_characters_are_refused(text: str) -> None:
    assert problem(text).what.startswith("is not valid YAML")


def read_problem(data: bytes, folder: Path) -> Problem:
    file = folder / "m.yaml"
    file.write_bytes(data)
    (only,) = failure(lambda: LocatedYaml.read(file)).problems
    assert only.file == file
    return only


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_bytes(b"\xef\xbb\xbfname: a\n")
    assert LocatedYaml.read(tmp_path / "m.yaml").data == {"name": "a"}


def test_text_in_another_encoding_is_refused_with_the_byte(tmp_path: Path) -> None:
    found = read_problem("name: Zürich\n".encode("latin-1"), tmp_path)
    assert found.what == "is not UTF-8 text"
    assert found.found == "byte 0xfc at offset 7"
    assert (found.line, found.hint) == (1, "save it again as UTF-8")
    later = read_problem("name: a\ntitle: Zürich\n".encode("latin-1"), tmp_path)
    assert later.line == 2


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_with_a_byte_order_mark_is_read(tmp_path: Path, encoding: str) -> None:
    text = "name: Zürich\n" if encoding == "utf-16" else "\ufeffname: Zürich\n"
    (tmp_path / "m.yaml").write_bytes(text.encode(encoding))
    assert LocatedYaml.read(tmp_path / "m.yaml").data == {"name": "Zürich"}


def test_the_hint_for_a_binary_file_describes_a_manifest(tmp_path: Path) -> None:
    for data in (b"\xff\xfe\x00", b"\x08\x0a\x00\xff\xff"):
        assert "a manifest is a YAML file" in read_problem(data, tmp_path).hint


def test_a_model_given_as_a_manifest_is_refused(tmp_path: Path, model_file: Path) -> None:
    failure(lambda: LocatedYaml.read(model_file))


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    assert "4 MiB" in read_problem(b"#" * (4 * 2**20 + 1), tmp_path).what


def test_a_file_of_the_maximum_size_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Four megabytes would take the parser seconds.
    monkeypatch.setattr(located_yaml, "MAX_BYTES", 6)
    (tmp_path / "m.yaml").write_bytes(b"a: 12\n")
    assert LocatedYaml.read(tmp_path / "m.yaml").data == {"a": 12}
    read_problem(b"a: 123\n", tmp_path)


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir], ids=["absent", "directory"])
def test_an_unreadable_file_is_reported(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "m.yaml")
    (only,) = failure(lambda: LocatedYaml.read(tmp_path / "m.yaml")).problems
    assert only.what.startswith("cannot be read")


@pytest.mark.parametrize(
    "text", ["- x\n" * 30, "[" + "a,\n" * 30, "a: [b, c, d]\n" * 10], ids=["list", "flow", "keys"]
)
def test_parsing_stops_after_the_maximum_number_of_values(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(located_yaml, "MAX_VALUES", 20)
    # The end is not even looked at: a quote that nothing closes would be no YAML.
    found = problem(text + "'")
    assert found.what == "has too many or too deeply nested values"
    assert found.line > 0


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused_with_a_manifest_error(text: str) -> None:
    try:
        document = LocatedYaml.parse(text, FILE)
    except CvatbuildError:
        return
    assert all(line >= 1 and column >= 1 for line, column in document.locations.values())


YAML_PARTS = st.one_of(
    st.sampled_from(["a", "1", "~", "'", '"', "[", "]", "{", "}", ",", "#", "%", "@", "\\x"]),
    st.sampled_from([": ", "\n", "- ", "  ", "? ", "<<", "|\n", ">", "---\n", "&x ", "*x"]),
    st.sampled_from(["!!int ", "!!bool ", "!!float ", "!t ", "0b_", "1:2", "2024-01-01"]),
)


@given(st.lists(YAML_PARTS, max_size=25).map("".join))
def test_any_mix_of_yaml_is_parsed_or_refused_with_a_manifest_error(text: str) -> None:
    with contextlib.suppress(CvatbuildError):
        LocatedYaml.parse(text, FILE)


def test_lists_are_shown_as_yaml() -> None:
    document = LocatedYaml.parse("a: [{b: [x, 1]}, true, null]\n", FILE)
    assert document.found(("a",)) == "[{b: [x, 1]}, true, null]"
    many = LocatedYaml.parse(f"a: {[0] * 30}\n", FILE)
    assert many.found(("a",)) == f"[{'0, ' * 20}...]"
