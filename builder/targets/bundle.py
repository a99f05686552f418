"""All files of a function, in memory."""

import hashlib
from pathlib import Path

from builder import __version__
from builder.diagnostics.files import sha256
from builder.plan.plan import Plan
from builder.plan.transforms.transform import transformed
from builder.targets.lock import LOCK, Lock
from builder.targets.registry import DEFAULT
from builder.targets.target import Target, Tree


def render(plan: Plan, target: Target = DEFAULT) -> Tree:
    """Transform a plan and return all files of the function, sorted by path.

    The same plan gives the same files, on any machine.
    """
    plan = transformed(plan)
    manifest = {plan.file.name: sha256(plan.file)}
    models = {name: digest(content) for name, content in plan.files.items()}
    tree = target.render(plan, {**manifest, **models})
    # A model file is hashed once, however large it is.
    known = {id(content): models[name] for name, content in plan.files.items()}
    files = {path: known.get(id(it)) or digest(it) for path, it in sorted(tree.items())}
    replaced = {id(content): sha256(plan.sources[name]) for name, content in plan.contents.items()}
    sources = {path: replaced[id(it)] for path, it in sorted(tree.items()) if id(it) in replaced}
    tree[LOCK] = Lock(__version__, manifest, files, sources).text().encode()
    return dict(sorted(tree.items()))


def digest(content: bytes | Path) -> str:
    """Return the SHA-256 of a file's content, or of the file to copy."""
    return hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else sha256(content)
