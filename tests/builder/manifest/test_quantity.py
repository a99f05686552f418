import pytest

from builder.manifest.quantity import amount


@pytest.mark.parametrize(
    ("quantity", "number"),
    [("2", 2), ("500m", 0.5), ("1.5k", 1500), ("1Ki", 1024), ("4Gi", 4 * 2**30), ("2T", 2e12)],
)
def test_a_kubernetes_quantity_as_a_number(quantity: str, number: float) -> None:
    assert amount(quantity) == number
