import json
import sys
from pathlib import Path

import pytest

HEAD = f"""#!{sys.executable} -IS
import json, os, sys, time
folder = os.path.dirname(sys.argv[0])
args = sys.argv[1:]
with open(folder + "/calls.jsonl", "a") as file:
    file.write(json.dumps([os.path.basename(sys.argv[0]), *args]) + "\\n")
def has(*words):
    return args[: len(words)] == list(words)
def says(text="", err="", status=0):
    sys.stdout.write(text)
    sys.stderr.write(err)
    sys.exit(status)
"""
"""The first lines of a program that records its arguments."""

DOCKER = """
if has("version"):
    says(json.dumps({"Client": {"Version": "27.5.1"},
                     "Server": {"Version": "27.5.1", "Arch": "amd64"}}))
if has("network", "inspect"):
    says("[]" if os.path.exists(folder + "/network") else "", status=0 if
         os.path.exists(folder + "/network") else 1)
if has("logs"):
    says(open(folder + "/log").read() if os.path.exists(folder + "/log") else "")
"""

NUCTL = """
def option(name):
    return args[args.index(name) + 1] if name in args else None
state = folder + "/functions.json"
functions = json.load(open(state)) if os.path.exists(state) else []
if has("version"):
    says('Client version:\\n"Label: 1.16.3, Git commit: 1a2b3c, OS: linux, Arch: amd64"\\n')
if has("get", "functions"):
    if not functions:
        says("No functions found\\n")
    says(json.dumps(functions[0] if len(functions) == 1 else functions, indent="\\t") + "\\n")
if has("get", "function"):
    found = [it for it in functions if it["metadata"]["name"] == args[2]]
    says("24.11.27 10:00:00.000 nuctl (I) Note\\n" + json.dumps(found[0], indent="\\t")
         if found else "No functions found", status=0 if found else 1)
if has("create", "project"):
    if option("--platform") == "kube" and os.path.exists(folder + "/project"):
        says(err='projects "cvat" already exists\\n', status=1)
    says("24.11.27 10:00:00.000 nuctl (I) Project created\\n")
if has("deploy"):
    if os.path.exists(folder + "/deploy-fails"):
        says("nuctl (I) Building\\n", open(folder + "/deploy-fails").read(), 1)
    triggers = json.loads(option("--triggers") or "{}")
    port = [it["attributes"]["port"] for it in triggers.values()] or [0]
    name = os.path.basename(os.path.dirname(option("--path")))
    status = {"state": "ready", "httpPort": port[0]}
    made = {"metadata": {"name": name}, "spec": {}, "status": status}
    json.dump([*functions, made], open(state, "w"))
    says("nuctl (I) Building\\nnuctl (I) Function deploy complete\\n")
if has("delete", "function"):
    json.dump([it for it in functions if it["metadata"]["name"] != args[2]], open(state, "w"))
    says()
"""
"""nuctl as pkg/nuctl/command of Nuclio has it: one function is an object, several are a list."""

KUBECTL = """
if has("port-forward"):
    sys.stdout.write(open(folder + "/forward").read())
    sys.stdout.flush()
    time.sleep(60)
if has("logs"):
    says(open(folder + "/log").read() if os.path.exists(folder + "/log") else "")
"""


class Programs:
    """Programs on a PATH without others, and a record of their calls.

    Attributes:
        folder: the folder on the PATH. Files in it decide what the programs answer.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in (("docker", DOCKER), ("nuctl", NUCTL), ("kubectl", KUBECTL)):
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        """Write a program; `text` is Python after HEAD."""
        path = self.folder / name
        path.write_text(HEAD + text, "utf-8")
        path.chmod(0o755)

    def set(self, name: str, content: str = "") -> None:
        """Write a file that the programs read."""
        (self.folder / name).write_text(content, "utf-8")

    def deployed(self, **ports: int) -> None:
        """Set the functions that Nuclio has: name -> port."""
        made = [
            {"metadata": {"name": name}, "status": {"state": "ready", "httpPort": port}}
            for name, port in ports.items()
        ]
        self.set("functions.json", json.dumps(made))

    def calls(self, *start: str) -> list[list[str]]:
        """The recorded calls that begin with some words."""
        path = self.folder / "calls.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        found = [json.loads(line) for line in lines]
        return [it for it in found if tuple(it[: len(start)]) == start]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """docker, nuctl and kubectl that record their arguments and answer as the real ones do."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("NUCTL_REGISTRY", raising=False)
    return Programs(folder)
