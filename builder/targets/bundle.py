"""All files of a function, in memory."""

import hashlib

from builder import __version__
from builder.diagnostics.files import sha256
from builder.plan.content import Derived, digest
from builder.plan.plan import Plan
from builder.plan.transforms.transform import transformed
from builder.targets.lock import LOCK, Lock
from builder.targets.registry import DEFAULT
from builder.targets.target import Target, Tree


def render(plan: Plan, target: Target = DEFAULT, last: Lock | None = None) -> Tree:
    """Transform a plan and return all files of the function, sorted by path.

    The same plan gives the same files, on any machine.

    Args:
        plan: the function.
        target: the platform to build for.
        last: the lock of an earlier build. Model files that would be computed from the same files
            in the same way again are not computed; their digests are read from this lock.
    """
    plan = transformed(plan)
    manifest = {plan.file.name: sha256(plan.file)}
    replaced = {name: sha256(plan.sources[name]) for name in plan.contents}
    computed = {
        name: hashlib.sha256(replaced[name].encode() + content.recipe).hexdigest()
        for name, content in plan.contents.items()
        if isinstance(content, Derived)
    }
    known = last.computed if last else {}
    models = {
        name: known.get(computed.get(name, "")) or digest(content)
        for name, content in plan.files.items()
    }
    tree = target.render(plan, {**manifest, **models})
    # The target chooses the paths of model files. Each is hashed once, however large it is.
    names = {id(content): name for name, content in plan.files.items()}
    paths = {path: names[id(it)] for path, it in sorted(tree.items()) if id(it) in names}
    files = {
        path: models[paths[path]] if path in paths else digest(it)
        for path, it in sorted(tree.items())
    }
    sources, changes = (
        {path: digests[name] for path, name in paths.items() if name in digests}
        for digests in (replaced, computed)
    )
    tree[LOCK] = Lock(__version__, manifest, files, sources, changes).text().encode()
    return dict(sorted(tree.items()))
