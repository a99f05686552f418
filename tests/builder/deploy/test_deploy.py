import json
import shlex
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from builder.deploy.ports import preferred
from builder.lint.examine import plan
from builder.targets.build import build
from tests.builder.cli.invoke import invoke
from tests.builder.conftest import Serve, WriteManifest
from tests.builder.deploy.conftest import Programs

PORT = preferred("boxes")


def config(folder: Path, variant: str = "cpu") -> dict[str, Any]:
    """A variant's function.yaml."""
    name = "function.yaml" if variant == "cpu" else "function-gpu.yaml"
    data: dict[str, Any] = yaml.safe_load((folder / "nuclio" / name).read_text("utf-8"))
    return data


def option(call: list[str], name: str) -> str:
    """The value of an option in a call."""
    return call[call.index(name) + 1]


@pytest.mark.parametrize("variant", ["cpu", "gpu"])
def test_a_dry_run_prints_the_commands_and_runs_none(
    built: Path, programs: Programs, variant: str
) -> None:
    status, out, err = invoke("deploy", built, "--variant", variant, "--dry-run")
    assert (status, err) == (0, "")
    assert programs.calls() == []
    commands = [shlex.split(line) for line in out.splitlines()]
    assert [it[:3] for it in commands] == [
        ["nuctl", "get", "functions"],
        ["docker", "network", "inspect"],
        ["nuctl", "create", "project"],
        ["nuctl", "deploy", "--project-name"],
        ["nuctl", "get", "function"],
    ]
    deploy = commands[3]
    file = "function.yaml" if variant == "cpu" else "function-gpu.yaml"
    assert option(deploy, "--path") == str(built / "nuclio")
    assert option(deploy, "--file") == str(built / "nuclio" / file)
    assert option(deploy, "--platform") == "local"
    platform = json.loads(option(deploy, "--platform-config"))
    assert platform == {"attributes": {"network": "cvat_cvat"}}
    # nuctl replaces the whole trigger, so all of its keys must be there.
    expected = config(built, variant)["spec"]["triggers"]
    expected["myHttpTrigger"]["attributes"]["port"] = PORT
    assert json.loads(option(deploy, "--triggers")) == expected


def test_images_that_are_here_are_not_pulled(built: Path, programs: Programs) -> None:
    _, out, _ = invoke("deploy", built, "--no-pull", "--dry-run")
    assert ["--no-pull" in line for line in out.splitlines()] == [False, False, False, True, False]


def test_a_dry_run_for_kubernetes(built: Path, programs: Programs) -> None:
    words = ("--platform", "kube", "--namespace", "models", "--registry", "r.example.com/cvat")
    status, out, err = invoke("deploy", built, *words, "--dry-run")
    assert (status, err) == (0, "")
    assert programs.calls() == []
    nuctl = "--platform kube --namespace models"
    path = built / "nuclio"
    assert out.splitlines() == [
        f"nuctl create project cvat {nuctl}",
        f"nuctl deploy --project-name cvat --path {path} --file {path}/function.yaml "
        f"--registry r.example.com/cvat {nuctl}",
        f"nuctl get function boxes --output json {nuctl}",
        "kubectl port-forward service/nuclio-boxes :8080 --namespace models",
    ]


@pytest.mark.slow
def test_a_function_is_deployed_and_tried_out(
    built: Path, programs: Programs, serve: Serve
) -> None:
    port = serve([])
    programs.set("network")
    status, out, err = invoke("deploy", built, "--port", str(port))
    assert (status, out) == (0, f"boxes: cpu variant is ready at http://localhost:{port}\n")
    (deploy,) = programs.calls("nuctl", "deploy")
    triggers = json.loads(option(deploy, "--triggers"))
    assert triggers["myHttpTrigger"]["attributes"]["port"] == port
    assert "--platform-config" in deploy
    shown = [line[2:] for line in err.splitlines() if line.startswith("$ ")]
    # Every command is shown before it runs.
    assert shlex.join(deploy) in shown
    assert [it[:3] for it in programs.calls("nuctl")][-4:] == [
        ["nuctl", "get", "functions"],
        ["nuctl", "create", "project"],
        ["nuctl", "deploy", "--project-name"],
        ["nuctl", "get", "function"],
    ]


@pytest.mark.slow
def test_without_cvats_network_the_function_joins_none(
    built: Path, programs: Programs, serve: Serve
) -> None:
    status, _, _ = invoke("deploy", built, "--port", str(serve([])))
    assert status == 0
    (deploy,) = programs.calls("nuctl", "deploy")
    assert "--platform-config" not in deploy


@pytest.mark.slow
def test_the_port_of_another_function_is_refused(built: Path, programs: Programs) -> None:
    programs.deployed(cars=20017, people=20018)
    status, out, err = invoke("deploy", built, "--port", "20017")
    assert (status, out) == (1, "")
    assert "the deployed function cars has the port 20017" in err
    assert programs.calls("nuctl", "deploy") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reply", "code", "expected"),
    [
        ({"error": "bad"}, 500, "the response has status 500"),
        (b"Exception caught in handler", 500, "is not JSON"),
        ({"shapes": []}, 200, "the reply is an object, not a list"),
    ],
)
def test_a_reply_that_cvat_cannot_use_fails_the_deployment(
    built: Path, programs: Programs, serve: Serve, reply: object, code: int, expected: str
) -> None:
    programs.set("log", "ModuleNotFoundError: No module named 'shapely'\n")
    status, out, err = invoke("deploy", built, "--port", str(serve(reply, code)))
    assert (status, out) == (1, "")
    assert expected in err
    if code != 200:
        assert "likely cause: the Python module shapely is missing in the image" in err
        assert programs.calls("docker", "logs") == [
            ["docker", "logs", "--tail", "200", "nuclio-nuclio-boxes"]
        ]


@pytest.mark.slow
def test_a_failed_deployment_shows_the_log_and_the_cause(built: Path, programs: Programs) -> None:
    programs.set("deploy-fails", "Error - Container wasn't healthy in time\n")
    programs.set("log", "CUDA driver version is insufficient for CUDA runtime version\n")
    status, out, err = invoke("deploy", built)
    assert (status, out) == (1, "")
    assert "  CUDA driver version is insufficient" in err
    assert "nuctl cannot deploy the function" in err
    assert "likely cause: the NVIDIA driver is too old" in err


@pytest.mark.slow
def test_without_a_known_cause_the_error_of_nuctl_is_shown(built: Path, programs: Programs) -> None:
    # As nuctl prints errors: a message, then the lines of its source.
    stack = "Error - Failed to tag\n    .../nuclio/pkg/shell.go:12\n\nCall stack:\n"
    programs.set("deploy-fails", f"{stack}Failed to build\n    .../nuclio/pkg/build.go:276\n")
    status, _, err = invoke("deploy", built)
    assert status == 1
    assert "  found:   Error - Failed to tag" in err


@pytest.mark.slow
def test_without_docker_nothing_is_deployed(built: Path, programs: Programs) -> None:
    (programs.folder / "docker").unlink()
    status, _, err = invoke("deploy", built)
    assert status == 1
    assert "docker is not on the PATH" in err
    assert programs.calls("nuctl", "deploy") == []


def test_without_kubectl_nothing_is_deployed_to_a_cluster(built: Path, programs: Programs) -> None:
    (programs.folder / "kubectl").unlink()
    words = ("--platform", "kube", "--registry", "r.example.com")
    status, _, err = invoke("deploy", built, *words)
    assert status == 1
    assert "kubectl is not on the PATH" in err
    assert programs.calls() == []


@pytest.mark.slow
def test_packages_without_wheels_for_the_machine_are_refused(
    built: Path, programs: Programs
) -> None:
    text = (programs.folder / "docker").read_text("utf-8").replace('"amd64"', '"arm64"')
    (programs.folder / "docker").write_text(text, "utf-8")
    status, _, err = invoke("deploy", built, "--variant", "gpu")
    assert status == 1
    assert "onnxruntime-gpu==1.26.0 has no wheel for this machine's architecture, arm64" in err
    assert "write `platform: arm64` in the manifest" in err
    assert programs.calls("nuctl", "deploy") == []


@pytest.mark.slow
def test_the_gpu_and_the_driver_are_compared_with_the_function(
    built: Path, programs: Programs, serve: Serve
) -> None:
    words = ("deploy", built, "--variant", "gpu", "--port", str(serve([])))
    programs.write("nvidia-smi", "says('NVIDIA GeForce RTX 5090, 590.10, 12.0\\n')\n")
    status, _, err = invoke(*words)
    assert status == 0
    assert "warning: ONNX Runtime for CUDA 12 has no machine code for NVIDIA GeForce" in err
    programs.write("nvidia-smi", "says('NVIDIA T4, 470.1, 7.5\\n')\n")
    _, _, err = invoke(*words)
    assert "warning: driver 470.1 is too old for CUDA 12, which the function uses" in err
    programs.write("nvidia-smi", "says('NVIDIA T4, 535.1.1, 7.5\\n')\n")
    _, _, err = invoke(*words)
    assert "warning" not in err


@pytest.mark.slow
def test_a_function_on_kubernetes(built: Path, programs: Programs, serve: Serve) -> None:
    programs.set("project")
    programs.set("forward", f"Forwarding from 127.0.0.1:{serve([])} -> 8080\n")
    words = ("--platform", "kube", "--registry", "r.example.com")
    status, out, err = invoke("deploy", built, *words)
    assert (status, out) == (0, "boxes: cpu variant is ready at service/nuclio-boxes\n"), err
    (deploy,) = programs.calls("nuctl", "deploy")
    # A port would become a port of each node.
    assert "--triggers" not in deploy
    assert programs.calls("docker", "network") == []


@pytest.mark.slow
def test_a_cluster_that_forwards_no_port(built: Path, programs: Programs) -> None:
    programs.write("kubectl", "says('error: pods not found\\n', status=1)\n")
    words = ("--platform", "kube", "--registry", "r.example.com")
    status, _, err = invoke("deploy", built, *words)
    assert status == 1
    assert "kubectl does not reach the function: error: pods not found" in err


def test_kubernetes_needs_a_registry(
    built: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _, err = invoke("deploy", built, "--platform", "kube", "--dry-run")
    assert status == 1
    assert "no registry" in err
    monkeypatch.setenv("NUCTL_REGISTRY", "r.example.com")
    assert invoke("deploy", built, "--platform", "kube", "--dry-run")[0] == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--platform", "kube", "--port", "20000"), "--port is an option for Docker"),
        (("--platform", "kube", "--network", "a"), "--network is an option for Docker"),
        (("--registry", "a"), "--registry is an option for Kubernetes"),
    ],
)
def test_options_of_the_other_platform(built: Path, words: tuple[str, ...], expected: str) -> None:
    status, _, err = invoke("deploy", built, *words, "--dry-run")
    assert status == 2
    assert expected in err


def test_changed_files_are_refused(built: Path, programs: Programs) -> None:
    with (built / "nuclio" / "model.onnx").open("ab") as file:
        file.write(b"x")
    status, _, err = invoke("deploy", built, "--dry-run")
    assert status == 1
    assert "differ from those that were built and tested" in err
    assert "nuclio/model.onnx" in err


def test_settings_for_kubernetes_without_effect_with_docker(
    write_manifest: WriteManifest, tmp_path: Path, programs: Programs
) -> None:
    cluster = {
        "secret_env": {"TOKEN": {"name": "a", "key": "b"}},
        "volumes": [
            {"name": "one", "claim": "one", "mount": "/one"},
            {"name": "two", "host_path": "/srv/two", "mount": "/two"},
        ],
    }
    mig = {"gpu_resource": "nvidia.com/mig-1g.10gb"}
    variants = {"cpu": {"kubernetes": cluster, "port": 20044}, "gpu": {"kubernetes": mig}}
    folder = build(plan(write_manifest(variants=variants)), tmp_path / "out", force=False).folder
    status, out, err = invoke("deploy", folder, "--dry-run")
    assert status == 0
    assert "the variable TOKEN has no value" in err
    assert "the volume one is not mounted" in err
    assert "volume two" not in err
    # The manifest's port is in function.yaml already.
    assert "--triggers" not in out
    status, _, err = invoke("deploy", folder, "--variant", "gpu", "--dry-run")
    assert status == 1
    assert "only for the resource nvidia.com/gpu" in err


@pytest.mark.slow
def test_a_function_is_deleted(built: Path, programs: Programs) -> None:
    programs.deployed(boxes=20017, others=20018)
    status, out, _ = invoke("undeploy", built, "--yes")
    assert (status, out) == (0, "boxes: deleted\n")
    assert programs.calls("nuctl", "delete") == [
        ["nuctl", "delete", "function", "boxes", "--platform", "local"]
    ]
    shutil.rmtree(built)
    status, out, _ = invoke("undeploy", "others", "--yes")
    assert (status, out) == (0, "others: deleted\n")
    status, _, err = invoke("undeploy", "boxes", "--yes")
    assert status == 1
    assert "the function boxes is not deployed" in err


def test_nothing_is_deleted_without_confirmation(
    built: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.deployed(boxes=20017)
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(sys.modules["builder.cli.commands.undeploy"], "sys", terminal)
    status, out, err = invoke("undeploy", built)
    assert status == 1
    assert "Delete the function boxes from Nuclio?" in out + err
    assert programs.calls("nuctl", "delete") == []
    # A function that is not deployed, and a program that is missing, are reported first.
    status, out, err = invoke("undeploy", "others")
    assert status == 1
    assert "the function others is not deployed" in err
    monkeypatch.setenv("PATH", "")
    status, out, err = invoke("undeploy", built)
    assert status == 1
    assert "nuctl is not on the PATH" in err
    assert "Delete the function" not in out + err


def test_without_a_terminal_the_deletion_must_be_confirmed_by_an_option(
    built: Path, programs: Programs
) -> None:
    status, out, err = invoke("undeploy", built)
    assert status == 2
    assert "hint:    pass --yes" in err
    assert "[y/N]" not in out + err
    assert programs.calls() == []
    status, out, _ = invoke("undeploy", built, "--platform", "kube", "--dry-run")
    assert (status, out) == (0, "nuctl delete function boxes --platform kube\n")
    assert programs.calls() == []


def test_neither_a_directory_nor_a_name(programs: Programs) -> None:
    status, _, err = invoke("undeploy", "no/such", "--yes")
    assert status == 2
    assert "neither a built function nor the name of one" in err
