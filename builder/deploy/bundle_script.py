"""The shell scripts of a bundle: one installs the wheels, one builds and deploys the function."""

import json
import re
import shlex
from collections.abc import Iterator

from builder.deploy.function import BuiltFunction
from builder.deploy.local import NETWORK, network_config
from builder.deploy.nuctl import PROJECT
from builder.deploy.ports import preferred
from builder.manifest.variants import VariantName
from builder.plan.plan import Plan
from builder.targets.nuclio.image import other_requirements, with_required
from builder.targets.nuclio.layout import FOLDER

CONFIG = "function.yaml"
"""Name of the configuration that nuctl reads, beside the scripts."""


def install_script(plan: Plan, variant: VariantName) -> Iterator[str]:
    """Yield the lines of the script that installs the wheels in a container."""
    pip = "pip install --no-cache-dir --no-index --find-links /bundle/wheels"
    yield "#!/bin/sh"
    yield "set -eu"
    yield f"{pip} --no-deps --require-hashes -r /bundle/requirements.txt"
    if other_requirements(plan, variant):
        yield f"{pip} {shlex.join(with_required(plan, variant))}"


def config_with_packages(function: BuiltFunction) -> str:
    """Return the text of function.yaml with the image that has the packages as the base image."""
    text = function.config.read_text("utf-8")
    line = f'    baseImage: "{_packages_image(function)}"'
    return re.sub("(?m)^    baseImage: .*$", lambda _: line, text)


def _packages_image(function: BuiltFunction) -> str:
    """Return the name of the image that is the base image with the packages."""
    return f"cvat.{function.name}.packages:{function.variant}"


def build_script(function: BuiltFunction, base_image: str, nuclio: str) -> Iterator[str]:
    """Yield the lines of the script that builds and deploys the function.

    Args:
        function: the function.
        base_image: the name of the base image in its archive.
        nuclio: the version of nuctl that the images are for.
    """
    name, variant = function.name, function.variant
    container = f"cvatbuild-{name}-{variant}"
    image = _packages_image(function)
    port = ""
    if function.port is None:
        triggers = json.dumps(function.triggers_with_port(preferred(name)))
        port = f" \\\n  --triggers {shlex.quote(triggers)}"
    yield f"""#!/bin/sh
# Builds and deploys the function without network access. Needs Docker and nuctl {nuclio}.
# Arguments are passed to `nuctl deploy`.
set -eu
cd "$(dirname "$0")"
found=$(nuctl version 2> /dev/null | sed -n 's/.*Label: v*\\([0-9.]*\\).*/\\1/p')
if [ "$found" != {nuclio} ]; then
  echo "The images of this bundle are for nuctl {nuclio}; found: ${{found:-unknown}}." >&2
  echo "Install nuctl {nuclio}, or pass the other version to 'cvatbuild bundle' with --nuctl." >&2
  exit 1
fi
for archive in images/*.tar; do
  if [ -e "$archive" ]; then docker load --input "$archive"; fi
done
while read -r image original; do
  if ! docker image inspect "$image" > /dev/null 2>&1; then
    echo "This machine does not have the image $image: load it with 'docker load'." >&2
    if [ -n "$original" ]; then
      echo "It is $original with a tag, since 'docker save' keeps no digest:" >&2
      echo "  docker tag $original $image" >&2
    fi
    exit 1
  fi
done < images.txt
docker rm --force {container} > /dev/null 2>&1 || true
docker run --name {container} --network none --user root --volume "$PWD:/bundle:ro" \\
  {base_image} sh /bundle/install.sh
docker commit --change 'CMD ["python3"]' {container} {image}
docker rm {container}
nuctl get project {PROJECT} --platform local > /dev/null 2>&1 ||
  nuctl create project {PROJECT} --platform local
if docker network inspect {NETWORK} > /dev/null 2>&1; then
  set -- --platform-config {shlex.quote(network_config(NETWORK))} "$@"
fi
NUCLIO_DOCKER_BUILD_NETWORK=none nuctl deploy --project-name {PROJECT} --platform local \\
  --path {name}/{FOLDER} --file {CONFIG} --no-pull{port} "$@\""""
