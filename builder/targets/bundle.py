"""All files of a function, in memory."""

import hashlib
from dataclasses import replace

from builder import __version__
from builder.diagnostics.errors import ManifestError
from builder.diagnostics.files import sha256
from builder.manifest.located_yaml import LocatedYaml
from builder.plan.content import Derived, digest
from builder.plan.plan import Plan
from builder.plan.transforms.transform import transformed
from builder.targets.lock import LOCK, Lock, recorded
from builder.targets.registry import DEFAULT
from builder.targets.target import Target, Tree


def prepared(plan: Plan, last: Lock | None = None) -> Plan:
    """Transform a plan, and measure what reduced precision changes.

    Args:
        plan: the function.
        last: the lock of an earlier build. Differences that would be measured in the same way again
            are read from it.

    Raises:
        ManifestError: a model cannot be converted, or its results change too much.
    """
    try:
        return _measured(transformed(plan), last)
    except ManifestError as error:
        yaml = LocatedYaml.read(plan.file)
        problems = (yaml.locate(it, ()) if it.path else it for it in error.problems)
        raise ManifestError(*problems) from error


def _measured(plan: Plan, last: Lock | None) -> Plan:
    """Return a transformed plan with the differences of its reductions; see `prepared`."""
    known = last.differences if last else {}
    reductions, problems = [], list(plan.warnings)
    for given in plan.reductions:
        digests = "".join(sha256(plan.sources[name]) for name in given.files)
        key = hashlib.sha256(digests.encode() + given.circumstances).hexdigest()
        found = known[key] if key in known else given.measure()
        reduction = replace(given, key=key, difference=found)
        refused = reduction.problem(plan.file)
        if refused:
            raise ManifestError(refused)
        problems += filter(None, [reduction.doubt(plan.file)])
        reductions.append(reduction)
    notes = (*(it.note for it in reductions), *plan.notes)
    return replace(plan, reductions=tuple(reductions), notes=notes, warnings=tuple(problems))


def render(plan: Plan, target: Target = DEFAULT, last: Lock | None = None) -> Tree:
    """Prepare a plan and return all files of the function; see `prepared` and `tree_of`."""
    return tree_of(prepared(plan, last), target, last)


def tree_of(plan: Plan, target: Target = DEFAULT, last: Lock | None = None) -> Tree:
    """Return all files of a prepared function, sorted by path.

    The same plan gives the same files, on any machine.

    Args:
        plan: the function, from `prepared`.
        target: the platform to build for.
        last: the lock of an earlier build. Model files that would be computed from the same files
            in the same way again are not computed; their digests are read from this lock.
    """
    manifest = {plan.file.name: sha256(plan.file)}
    written = plan.written
    contents = {name: it for name, it in plan.contents.items() if name in written}
    replaced = {name: sha256(plan.sources[name]) for name in contents}
    computed = {
        name: hashlib.sha256(replaced[name].encode() + content.recipe).hexdigest()
        for name, content in contents.items()
        if isinstance(content, Derived)
    }
    known = last.computed if last else {}
    models = {
        name: known.get(computed.get(name, "")) or digest(content)
        for name, content in written.items()
    }
    tree = target.render(plan, {**manifest, **models})
    # The target chooses the paths of model files. Each is hashed once, however large it is.
    names = {id(content): name for name, content in written.items()}
    paths = {path: names[id(it)] for path, it in sorted(tree.items()) if id(it) in names}
    files = {
        path: models[paths[path]] if path in paths else digest(it)
        for path, it in sorted(tree.items())
    }
    sources, changes = (
        {path: digests[name] for path, name in paths.items() if name in digests}
        for digests in (replaced, computed)
    )
    lock = Lock(__version__, manifest, files, sources, changes, *recorded(plan.reductions))
    tree[LOCK] = lock.text().encode()
    return dict(sorted(tree.items()))
