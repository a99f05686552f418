"""The text of function.yaml."""

import json

import yaml

from builder.targets import plain_yaml
from builder.targets.nuclio.function_yaml import FunctionConfig


class _Quoted(str):
    """Text in double quotes, so that every YAML reader reads text."""


class _Block(str):
    """Text as a literal block, for JSON and commands that people read."""


class _Dumper(yaml.SafeDumper):
    """Writes block style, in the order of the models, with lists indented below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """See yaml.emitter.Emitter."""
        super().increase_indent(flow, False)


_Dumper.add_representer(
    _Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)
_Dumper.add_representer(
    _Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
)


def to_yaml(config: FunctionConfig, note: str) -> str:
    """Return the text of a function.yaml below a comment, and check that reading it restores it."""
    data = config.model_dump(mode="json", by_alias=True, exclude_none=True)
    notes = data["metadata"]["annotations"]
    notes.update({key: _Quoted(text) for key, text in notes.items() if key != "spec"})
    notes["spec"] = _Block(notes["spec"])
    data["spec"]["description"] = _Quoted(data["spec"]["description"])
    for lines in data["spec"]["build"]["directives"].values():
        for line in lines:
            if "\n" in line["value"]:
                line["value"] = _Block(line["value"])
    for variable in data["spec"]["env"]:
        if "value" in variable:
            variable["value"] = _Quoted(variable["value"])
    text = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096, line_break="\n"
    )
    text = f"# {note}\n{text}"
    again = FunctionConfig.model_validate_json(json.dumps(plain_yaml.load(text)), strict=True)
    assert again == config, "function.yaml does not survive being written and read"
    return text
