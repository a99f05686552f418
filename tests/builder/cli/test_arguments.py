from pathlib import Path

import pytest

from builder.cli import arguments
from builder.cli.arguments import FileType
from builder.cli.options import VariantOption
from builder.diagnostics.errors import CommandLineError, CvatbuildError, ManifestError
from builder.diagnostics.problem import Problem
from tests.builder.conftest import failure

MANIFEST: tuple[FileType, ...] = ("manifest",)
MODEL: tuple[FileType, ...] = ("model",)
BOTH: tuple[FileType, ...] = ("manifest", "model")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that paths are relative to, with a model and a manifest of another name."""
    monkeypatch.chdir(tmp_path)
    for name in ("best.onnx", "boxes.yaml", "pair.onnx", "pair.yml"):
        (tmp_path / name).write_text("")
    return tmp_path


def refused(name: str, takes: tuple[FileType, ...], commands: tuple[str, ...] = ()) -> Problem:
    """The one problem with an argument."""
    error = failure(lambda: arguments.require_files([Path(name)], *takes, commands=commands))
    assert isinstance(error, CommandLineError)
    (problem,) = error.problems
    assert problem.file == Path(name)
    return problem


@pytest.mark.parametrize(
    ("name", "takes"),
    [("best.onnx", BOTH), ("best.onnx", MODEL), ("boxes.yaml", BOTH), ("boxes.yaml", MANIFEST)],
)
def test_files_of_an_accepted_type_pass(name: str, takes: tuple[FileType, ...]) -> None:
    arguments.require_files([Path(name)], *takes)


def test_a_manifest_may_have_any_name_that_no_model_has(folder: Path) -> None:
    (folder / "boxes.txt").write_text("")
    arguments.require_files([Path("boxes.txt")], "manifest")


@pytest.mark.parametrize(
    ("name", "takes", "allowed", "hint"),
    [
        ("bset.onnx", BOTH, "a model (.onnx, .xml)", "did you mean 'best.onnx'?"),
        ("bset.onnx", MODEL, "a model (.onnx, .xml)", "did you mean 'best.onnx'?"),
        ("boxs.yaml", BOTH, "a manifest (.yaml, .yml)", "did you mean 'boxes.yaml'?"),
        ("boxs.yaml", MANIFEST, "a manifest (.yaml, .yml)", "did you mean 'boxes.yaml'?"),
        ("best.xml", BOTH, "a model (.onnx, .xml)", "did you mean 'best.onnx'?"),
        (
            "z.onnx",
            BOTH,
            "a model (.onnx, .xml)",
            "choose one of: best.onnx, pair.onnx",
        ),
        (
            "z.yml",
            MANIFEST,
            "a manifest (.yaml, .yml)",
            "choose one of: boxes.yaml, pair.yml",
        ),
        (
            "bset",
            BOTH,
            "a manifest (.yaml, .yml) or a model (.onnx, .xml)",
            "did you mean 'best.onnx'?",
        ),
        (
            "no/best.onnx",
            MODEL,
            "a model (.onnx, .xml)",
            "create the directory no, or correct the path",
        ),
    ],
)
def test_a_missing_file_is_reported_with_similar_names(
    name: str, takes: tuple[FileType, ...], allowed: str, hint: str
) -> None:
    problem = refused(name, takes)
    assert problem.what == "there is no such file"
    assert (problem.allowed, problem.hint) == (allowed, hint)


def test_a_missing_file_may_be_a_mistyped_command() -> None:
    assert refused("biuld", BOTH, ("build", "check")).hint == "did you mean 'build'?"


def test_a_model_instead_of_a_manifest_gets_a_hint_how_to_write_one() -> None:
    problem = refused("best.onnx", MANIFEST)
    assert problem.what == "is a model, not a manifest"
    assert problem.hint == "write a manifest with `cvatbuild init best.onnx -o best.yaml`"
    assert refused("pair.onnx", MANIFEST).hint == "did you mean 'pair.yml'?"


def test_a_command_in_a_hint_can_be_copied_into_a_shell(folder: Path) -> None:
    (folder / "my best.onnx").write_text("")
    hint = refused("my best.onnx", MANIFEST).hint
    assert hint == "write a manifest with `cvatbuild init 'my best.onnx' -o 'my best.yaml'`"


def test_a_manifest_instead_of_a_model_is_refused() -> None:
    assert refused("boxes.yaml", MODEL).what == "is a manifest, not a model"


@pytest.mark.parametrize("takes", [MANIFEST, MODEL, BOTH])
def test_an_unsupported_model_format_gets_a_hint_how_to_convert_it(
    folder: Path, takes: tuple[FileType, ...]
) -> None:
    (folder / "best.pt").write_text("")
    problem = refused("best.pt", takes)
    assert problem.what == "is not in a supported model format"
    assert "yolo export model=best.pt format=onnx" in problem.hint


def test_a_directory_gets_a_hint_with_its_files(folder: Path) -> None:
    assert refused(".", MANIFEST).hint == "choose one of: boxes.yaml, pair.yml"
    assert refused(".", MODEL).hint == "choose one of: best.onnx, pair.onnx"
    assert refused(".", BOTH).hint == "choose one of: best.onnx, boxes.yaml, pair.onnx, pair.yml"
    assert refused(".", BOTH).what == "is a directory, not a manifest or a model"


def test_a_directory_of_models_gets_a_hint_how_to_write_a_manifest(
    folder: Path,
) -> None:
    (folder / "models").mkdir()
    (folder / "models" / "a.onnx").write_text("")
    hint = refused("models", MANIFEST).hint
    assert hint == "write a manifest with `cvatbuild init models/a.onnx -o models/a.yaml`"


def test_an_empty_directory_and_a_built_function(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert "`cvatbuild init MODEL -o FILE`" in refused("empty", MANIFEST).hint
    assert refused("empty", MODEL).hint == ""
    (folder / "empty" / "build.lock").write_text("")
    assert "`cvatbuild predict FUNCTION IMAGE`" in refused("empty", MANIFEST).hint


def test_for_each_collects_the_problems_of_all_files() -> None:
    def part(file: Path) -> str:
        if file.suffix == ".onnx":
            raise CvatbuildError(Problem("no", file=file))
        return file.stem

    assert arguments.for_each([Path("a.yaml"), Path("b.yaml")], part) == ["a", "b"]
    error = failure(lambda: arguments.for_each([Path("a.onnx"), Path("b"), Path("c.onnx")], part))
    assert isinstance(error, ManifestError)
    assert [problem.file for problem in error.problems] == [Path("a.onnx"), Path("c.onnx")]


def test_numbers_are_separated_by_commas() -> None:
    assert arguments.parse_numbers("--pos", "1, 2.5", 2) == (1.0, 2.5)
    assert arguments.parse_numbers("--box", "0,-1,1e3,4", 4) == (0.0, -1.0, 1000.0, 4.0)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "1;2", "nan,1", "inf,1", "1,-inf", "1,"])
def test_another_count_of_numbers_is_refused(text: str) -> None:
    error = failure(lambda: arguments.parse_numbers("--pos", text, 2))
    assert isinstance(error, CommandLineError)
    (problem,) = error.problems
    assert (problem.what, problem.found) == ("--pos needs 2 numbers", text)
    assert problem.hint == "for example --pos 10,20"


def test_variants_have_a_fixed_order_and_default_to_all() -> None:
    assert arguments.selected_variants(None) == ("cpu", "gpu")
    assert arguments.selected_variants([]) == ("cpu", "gpu")
    assert arguments.selected_variants([VariantOption.gpu, VariantOption.cpu]) == ("cpu", "gpu")
    assert arguments.selected_variants([VariantOption.gpu]) == ("gpu",)


def test_the_cpu_variant_is_preferred_unless_only_the_gpu_variant_was_built(
    folder: Path,
) -> None:
    assert arguments.built_variant(folder, None) == "cpu"
    (folder / "nuclio").mkdir()
    (folder / "nuclio" / "function-gpu.yaml").write_text("")
    assert arguments.built_variant(folder, None) == "gpu"
    assert arguments.built_variant(folder, VariantOption.cpu) == "cpu"
    (folder / "nuclio" / "function.yaml").write_text("")
    assert arguments.built_variant(folder, None) == "cpu"


@pytest.mark.parametrize("takes", [MANIFEST, MODEL, BOTH])
def test_a_url_gets_the_form_that_a_manifest_has_for_it(takes: tuple[FileType, ...]) -> None:
    problem = refused("https://example.org/best.onnx", takes)
    assert problem.what == "is a URL, not a file"
    assert problem.found == "https://example.org/best.onnx"
    assert "`model: {url: https://example.org/best.onnx, sha256: ...}`" in problem.hint


def test_a_directory_of_another_format_is_named(folder: Path) -> None:
    (folder / "best_saved_model").mkdir()
    (folder / "best_saved_model" / "saved_model.pb").write_bytes(b"")
    hint = refused("best_saved_model", MODEL).hint
    assert hint.startswith("the directory is a TensorFlow SavedModel: ")
    assert "--saved-model best_saved_model" in hint


@pytest.mark.parametrize("text", ["10,20,5,60", "10,20,60,6", "10,20,10,60"])
def test_a_box_with_its_corners_out_of_order_is_refused(text: str) -> None:
    (problem,) = failure(lambda: arguments.parse_places(None, None, [text])).problems
    assert problem.found == text
    assert "X1 < X2" in problem.allowed
    assert arguments.parse_places(None, None, ["5,6,10,20"]) == ((), (), ((5, 6, 10, 20),))
