"""The targets that cvatbuild can build for."""

from builder.targets.nuclio.target import Nuclio
from builder.targets.target import Target

DEFAULT: Target = Nuclio()
"""The target of a build that does not name one."""

TARGETS: tuple[Target, ...] = (DEFAULT,)
"""All targets, in the order in which a built directory is compared with them."""
