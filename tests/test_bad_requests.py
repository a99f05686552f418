"""Replies of a built function to invalid requests."""

import pytest

from builder.lint.examine import plan
from builder.run.process import FunctionProcess
from builder.targets.build import build
from tests.builder.models import yolo_model
from tests.gallery import MANIFEST

REQUESTS: list[tuple[str, object, str, str]] = [
    ("no image", {}, "application/json", "image: must be the base64 text of an image file; "
     "found: nothing"),
    ("an image that is null", {"image": None}, "application/json",
     "image: must be the base64 text of an image file; found: nothing"),
    ("an image that is a number", {"image": 5}, "application/json",
     "image: must be the base64 text of an image file; found: int"),
    ("text that is not base64", {"image": "photo.jpg"}, "application/json",
     "image: is not base64 ("),
    ("base64 of something else", {"image": "aGVsbG8="}, "application/json",
     "image: is not an image file of a known format; found: 5 bytes that start with "
     "68 65 6c 6c 6f; allowed: JPEG, PNG, WebP, BMP, TIFF or GIF"),
    ("a threshold in quotes", {"image": "aGVsbG8=", "threshold": "0.5"}, "application/json",
     "threshold: must be a number from 0 to 1; found: '0.5'"),
    ("a threshold in percent", {"image": "aGVsbG8=", "threshold": 50}, "application/json",
     "threshold: must be a number from 0 to 1; found: 50"),
    ("a truth value for a threshold", {"image": "aGVsbG8=", "threshold": True},
     "application/json", "threshold: must be a number from 0 to 1; found: True"),
    ("a list", [1, 2], "application/json",
     'the body must be a JSON object; found: list; allowed: {"image": "<base64>"}'),
    ("broken JSON", b'{"image": ', "application/json", "the body is not JSON ("),
    ("an image file as the body", b"\x89PNG\r\n", "image/png", "the body is not JSON ("),
]  # fmt: skip


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> FunctionProcess:
    folder = tmp_path_factory.mktemp("requests")
    yolo_model(folder / "model.onnx")
    (folder / "boxes.yaml").write_text(MANIFEST)
    built = build(plan(folder / "boxes.yaml"), folder / "build", force=False)
    return FunctionProcess(built.folder, "cpu")


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [pytest.param(*case[1:], id=case[0]) for case in REQUESTS],
)
def test_a_bad_request_gets_400_and_a_reason(
    function: FunctionProcess, body: object, content_type: str, message: str
) -> None:
    reply = function.send(body, content_type)
    assert reply.status == 400
    assert list(reply.body) == ["error"]
    assert reply.body["error"].startswith(message)
