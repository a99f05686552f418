import json
from typing import Any

import pytest

from builder.deploy.commands import Command, Result, Runner
from builder.deploy.nuctl import Deployed, Nuctl
from tests.builder.conftest import failure

LOCAL = Nuctl("local", None)


class Answer(Runner):
    """A runner whose commands all have one result."""

    def __init__(self, output: str, status: int = 0) -> None:
        super().__init__(lambda line: None)
        self._result = Result(status, output)

    def read(self, command: Command) -> Result:
        """See Runner.read."""
        return self._result


def function(name: str, port: int = 0, state: str = "ready") -> dict[str, Any]:
    """A function as `nuctl get function --output json` prints it."""
    status = {"state": state, **({"httpPort": port} if port else {})}
    return {"metadata": {"name": name}, "spec": {"handler": "main:handler"}, "status": status}


def printed(data: object) -> str:
    """JSON as nuctl prints it (pkg/renderer/renderer.go)."""
    return json.dumps(data, indent="\t") + "\n"


def test_one_function_is_an_object_and_several_are_a_list() -> None:
    one = Answer(printed(function("a", 20001)))
    assert LOCAL.functions(one) == [Deployed("a", "ready", 20001, "")]
    two = Answer(printed([function("a", 20001), function("b")]))
    assert [it.port for it in LOCAL.functions(two)] == [20001, 0]
    assert LOCAL.functions(Answer("No functions found\n")) == []


def test_lines_of_the_log_before_the_json_are_skipped() -> None:
    log = '24.11.27 10:00:00.000 nuctl (W) A note {"a": 1}\n'
    assert LOCAL.function(Answer(log + printed(function("a", 20001))), "a") == Deployed(
        "a", "ready", 20001, ""
    )


def test_a_function_that_does_not_exist() -> None:
    assert LOCAL.function(Answer("No functions found", 1), "a") is None
    assert LOCAL.function(Answer(printed(function("b"))), "a") is None


@pytest.mark.parametrize(
    "output", ["", "{", "[1, null]", '{"metadata": 5}', '{"status": []}', "{}"]
)
def test_output_of_another_form_is_no_function(output: str) -> None:
    assert LOCAL.function(Answer(output), "a") is None
    assert all(it.port == 0 for it in LOCAL.functions(Answer(output)))


def test_functions_cannot_be_listed() -> None:
    error = failure(lambda: LOCAL.functions(Answer("one\nFailed to get functions\n\n", 1)))
    assert error.problems[0].what == "nuctl cannot list functions: Failed to get functions"


def test_the_namespace_is_passed_on() -> None:
    assert Nuctl("kube", "models").delete("a").words == (
        *("nuctl", "delete", "function", "a"),
        *("--platform", "kube", "--namespace", "models"),
    )
    assert LOCAL.create_project.words == (
        "nuctl",
        "create",
        "project",
        "cvat",
        "--platform",
        "local",
    )
