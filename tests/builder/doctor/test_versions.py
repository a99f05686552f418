import pytest

from builder.doctor.versions import (
    Version,
    is_refused,
    is_vulnerable,
    match,
    nuclio_of,
    spelled,
    version_of,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.13.0-amd64", (1, 13, 0)),
        ("v2.73.0", (2, 73, 0)),
        ("29.0.1", (29, 0, 1)),
        ("27.5.1+dfsg1", (27, 5, 1)),
        ("dev", ()),
        ("", ()),
    ],
)
def test_the_numbers_of_a_version(text: str, expected: Version) -> None:
    assert version_of(text) == expected


def test_a_version_as_text() -> None:
    assert spelled((1, 16, 3)) == "1.16.3"


@pytest.mark.parametrize(
    ("nuclio", "engine", "refused"),
    [
        # cvat#10013: Nuclio 1.13.0 and Docker 29.0.1.
        ((1, 13, 0), (29, 0, 1), True),
        ((1, 13, 0), (28, 5, 2), False),
        ((1, 14, 1), (29, 1, 0), True),
        ((1, 16, 3), (29, 1, 0), False),
    ],
)
def test_docker_29_refuses_old_clients(nuclio: Version, engine: Version, refused: bool) -> None:
    assert is_refused(nuclio, engine) == refused


@pytest.mark.parametrize(
    ("nuclio", "vulnerable"),
    [((1, 13, 0), True), ((1, 16, 4), True), ((1, 16, 5), False), ((1, 17, 0), False)],
)
def test_versions_with_published_vulnerabilities(nuclio: Version, vulnerable: bool) -> None:
    assert is_vulnerable(nuclio) == vulnerable


@pytest.mark.parametrize(
    ("cvat", "nuclio"),
    [
        ((2, 14, 0), None),
        ((2, 15, 0), (1, 13, 0)),
        ((2, 24, 0), (1, 13, 0)),
        ((2, 40, 0), None),
        ((2, 73, 0), (1, 16, 3)),
        ((2, 74, 0), None),
    ],
)
def test_the_nuclio_of_a_cvat(cvat: Version, nuclio: Version | None) -> None:
    assert nuclio_of(cvat) == nuclio


def test_nuctl_and_nuclio_have_one_minor_version() -> None:
    assert match((1, 16, 0), (1, 16, 3))
    assert not match((1, 15, 0), (1, 16, 3))
