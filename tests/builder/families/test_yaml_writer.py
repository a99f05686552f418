import yaml
from hypothesis import given
from hypothesis import strategies as st

from builder.families.yaml_writer import Line, inline, printable, render

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(-1e6, 1e6).map(lambda number: round(number, 3))
    | st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES)
def test_yaml_reads_back_inline_values(value: object) -> None:
    assert yaml.safe_load(f"key: {inline(value)}") == {"key": value}
    assert yaml.safe_load(f"- {inline([value, 'x'])}") == [[value, "x"]]


@given(st.text(max_size=400))
def test_comments_never_change_the_data(comment: str) -> None:
    lines = [Line("name: x", comment), Line("", comment), Line("type: y")]
    assert yaml.safe_load(render(lines)) == {"name": "x", "type": "y"}


def test_comments_are_aligned() -> None:
    text = render([Line("a: 1", "one"), Line("bb: 2", "two"), Line("c: 3")])
    assert text == "a: 1   # one\nbb: 2  # two\nc: 3\n"


def test_a_long_comment_is_written_above_its_line() -> None:
    text = render([Line("  - step", "word " * 30)])
    *above, last = text.splitlines()
    assert last == "  - step"
    assert len(above) == 2
    assert all(line.startswith("  # word") and len(line) <= 100 for line in above)


def test_control_characters_are_replaced_and_long_text_is_cut() -> None:
    assert printable("a\x1b[31m\u202eb\nc") == "a?[31m?b?c"
    assert printable("x" * 1000, 20) == "x" * 17 + "..."
