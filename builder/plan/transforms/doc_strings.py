"""A transform that removes documentation from ONNX files.

Exporters such as PyTorch's write the stack trace of each operation into its `doc_string`, with
paths of the machine that exported the model. No runtime reads them.
"""

from collections.abc import Iterator
from typing import Any

from builder.plan.content import read
from builder.plan.plan import Plan


def without_doc_strings(plan: Plan) -> Plan:
    """Return the plan with all `doc_string` fields of its ONNX files removed; see Transform."""
    contents = {}
    for model in plan.models:
        if model.format == "onnx":
            stripped = _strip(read(plan.files[model.name]))
            if stripped is not None:
                contents[model.name] = stripped
    return plan.with_contents(contents) if contents else plan


def _strip(data: bytes) -> bytes | None:
    """Return an ONNX file without `doc_string` fields, or None if it has none."""
    import onnx

    model = onnx.ModelProto.FromString(data)
    documented = [it for it in _messages(model) if "doc_string" in it.DESCRIPTOR.fields_by_name]
    documented = [it for it in documented if it.HasField("doc_string")]
    for message in documented:
        message.ClearField("doc_string")
    return model.SerializeToString(deterministic=True) if documented else None


def _messages(message: Any) -> Iterator[Any]:
    """Yield a Protocol Buffers message and all messages in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type:
            for inner in [value] if hasattr(value, "ListFields") else value:
                yield from _messages(inner)
