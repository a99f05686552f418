from typing import Any

import pytest

from runtimes.interfaces import Tracking
from runtimes.trackers.siamfc import Siamfc
from runtimes.trackers.siamrpn import Siamrpn
from runtimes.trackers.transt import Transt


@pytest.mark.parametrize("step", [Siamfc, Siamrpn, Transt])
def test_the_fields_of_all_trackers_are_keyword_only(step: Any) -> None:
    # The first positional field is what a plain value in a manifest sets: `transt: 0.3`.
    assert step(0.3) == step(window=0.3)
    with pytest.raises(TypeError):
        Tracking("template")  # type: ignore[call-arg]
