import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT


@pytest.mark.slow
def test_the_benchmark_of_the_gpu_variant_runs_on_the_cpu(tmp_path: Path) -> None:
    file = tmp_path / "gpu.json"
    subprocess.run(
        [sys.executable, "benchmarks/gpu.py", "--cpu", "--rounds", "1", "--json", file],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    found = json.loads(file.read_text("utf-8"))
    assert list(found) == ["One size", "Sizes that vary", "Image decoding"]
    # On the CPU, no option of the CUDA provider changes a value.
    assert {row["difference"] for row in found["One size"][:-1]} == {"0.0e+00"}
    assert found["Sizes that vary"][-1]["search"].endswith(" buckets")
    assert {row["largest difference"] for row in found["Image decoding"]} == {0}
