from pathlib import Path

from builder.targets.measured import MEASURED, Memory, write

MIB = 2**20


def test_the_memory_of_each_variant_is_a_row(tmp_path: Path) -> None:
    write(tmp_path, [Memory("cpu", 2, 143 * MIB), Memory("gpu", 1, 900 * MIB + 1)])
    lines = (tmp_path / MEASURED).read_text().splitlines()
    assert lines[-2:] == ["| cpu | 2 | 143 | 286 |", "| gpu | 1 | 901 | 901 |"]
    assert all(len(line) <= 100 for line in lines)


def test_without_measurements_there_is_no_file(tmp_path: Path) -> None:
    write(tmp_path, [])
    assert list(tmp_path.iterdir()) == []
