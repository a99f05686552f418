import pytest

from builder.deploy.ports import PORTS, choose, preferred
from builder.diagnostics.errors import DeployError
from tests.builder.conftest import failure


def test_the_port_depends_on_the_name_alone() -> None:
    # printf yolo | sha256sum: 311fe3feed16b9cd; the number modulo 10000, from 20000 on.
    assert preferred("yolo") == 20000 + 0x311FE3FEED16B9CD % 10000
    assert choose("yolo", None, {}) == preferred("yolo")
    assert preferred("yolo") != preferred("yolo-2")


def test_ports_are_below_node_ports_and_ports_of_outgoing_connections() -> None:
    assert (min(PORTS), max(PORTS)) == (20000, 29999)
    assert all(preferred(f"function-{number}") in PORTS for number in range(1000))


def test_a_port_of_another_function_is_left_alone() -> None:
    port = preferred("yolo")
    assert choose("yolo", None, {port: "other"}) == port + 1
    assert choose("yolo", None, {port: "other", port + 1: "third"}) == port + 2
    assert choose("yolo", None, {port: "yolo"}) == port


def test_after_the_last_port_comes_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.deploy.ports.preferred", lambda name: 29999)
    assert choose("yolo", None, {29999: "other"}) == 20000


def test_a_wanted_port_is_used_unless_another_function_has_it() -> None:
    assert choose("yolo", 31000, {preferred("yolo"): "other"}) == 31000
    assert choose("yolo", 31000, {31000: "yolo"}) == 31000
    error = failure(lambda: choose("yolo", 31000, {31000: "other"}))
    assert isinstance(error, DeployError)
    (problem,) = error.problems
    assert problem.what == "the deployed function other has the port 31000"
    assert f"--port {preferred('yolo')}" in problem.hint


def test_there_may_be_no_port_left() -> None:
    error = failure(lambda: choose("yolo", None, dict.fromkeys(PORTS, "other")))
    assert isinstance(error, DeployError)
