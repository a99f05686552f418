import pytest

from builder.manifest.attribute_values import value_fault

COLORS = ("red", "dark red")
AGES = ("0", "100", "5")


@pytest.mark.parametrize(
    ("value", "input_type", "values"),
    [
        ("dark red", "select", COLORS),
        ("red", "radio", COLORS),
        ("35", "number", AGES),
        ("0", "number", AGES),
        ("100", "number", AGES),
        ("7", "number", (2, 12, 5)),
        ("true", "checkbox", ("false",)),
        ("false", "checkbox", ("false",)),
        ("Zürich 猫 \"'\n", "text", ()),
        ("", "text", ()),
        ("x" * 4096, "text", ()),
    ],
)
def test_an_accepted_value_has_no_fault(
    value: str, input_type: str, values: tuple[object, ...]
) -> None:
    assert value_fault(value, input_type, values) == ""


@pytest.mark.parametrize(
    ("value", "input_type", "values", "fault"),
    [
        ("blue", "select", COLORS, "'blue' is not one of red, dark red"),
        ("dark", "select", COLORS, "'dark' is not one of red, dark red"),
        ("Red", "radio", COLORS, "'Red' is not one of red, dark red"),
        ("3.0", "number", AGES, "'3.0' is not a non-negative integer"),
        ("-1", "number", AGES, "'-1' is not a non-negative integer"),
        ("1e1", "number", AGES, "'1e1' is not a non-negative integer"),
        (" 5", "number", AGES, "' 5' is not a non-negative integer"),
        ("\u00b2", "number", AGES, "'\u00b2' is not a non-negative integer"),
        ("", "number", AGES, "'' is not a non-negative integer"),
        ("105", "number", AGES, "'105' is not from 0 to 100 in steps of 5"),
        ("7", "number", AGES, "'7' is not from 0 to 100 in steps of 5"),
        ("5", "number", (2, 12, 5), "'5' is not from 2 to 12 in steps of 5"),
        ("True", "checkbox", ("false",), "'True' is neither 'true' nor 'false'"),
        ("1", "checkbox", ("false",), "'1' is neither 'true' nor 'false'"),
        ("x" * 4097, "text", (), "is longer than 4096 characters"),
    ],
)
def test_a_value_that_cvat_drops_has_a_fault(
    value: str, input_type: str, values: tuple[object, ...], fault: str
) -> None:
    assert value_fault(value, input_type, values) == fault
