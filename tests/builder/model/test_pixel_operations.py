import numpy as np

from tests.builder.model.pixel_values import operations_of


def types_of(*arguments: str, **options: object) -> list[str]:
    """The types of the operations, in order."""
    _, operations = operations_of("pixels", *arguments, **options)  # type: ignore[arg-type]
    return [it.type for it in operations]


def test_operations_that_change_nothing_are_left_out() -> None:
    assert types_of("nchw", "none", dtype="uint8") == ["Transpose"]
    assert types_of("nchw", "none") == ["Cast", "Transpose"]
    assert types_of("nhwc", "0 to 1") == ["Cast", "Mul"]
    assert types_of("nchw", "offset alone") == ["Cast", "Add", "Transpose"]
    assert types_of("nchw", "ImageNet", dtype="float16") == [
        *("Cast", "Mul", "Add", "Cast", "Transpose"),
    ]


def test_nothing_to_compute() -> None:
    assert types_of("nhwc", "none", dtype="uint8") == []


def test_numbers_by_channel_are_a_row_of_pixels() -> None:
    _, operations = operations_of("pixels", "nchw", "means alone")
    row = np.tile(np.array([-123.675, -116.28, -103.53], np.float32), (5, 1))
    np.testing.assert_array_equal(operations[1].given, row)


def test_numbers_by_channel_over_an_open_width() -> None:
    assert types_of("nchw", "means alone", is_open=True) == ["Cast", "Transpose", "Add"]
    # ONNX Runtime would be slower than numpy.
    assert types_of("nhwc", "means alone", is_open=True) == []
    assert types_of("nhwc", "offset alone", is_open=True) == ["Cast", "Add"]
