import json

from builder.reference.json_schema import schema
from tests.builder.cli.invoke import invoke


def test_schema_prints_the_json_schema() -> None:
    status, out, err = invoke("schema")
    assert (status, err) == (0, "")
    assert json.loads(out) == schema()
