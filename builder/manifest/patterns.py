"""The forms that text in a manifest must have, and how to say each of them to a person."""

NAME = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
SHA256 = r"^[0-9a-f]{64}$"
URL = r"^https?://[^\s]+$"
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
DURATION = r"^(0*[1-9][0-9]*h([0-9]+m)?([0-9]+s)?|0*[1-9][0-9]*m([0-9]+s)?|0*[1-9][0-9]*s)$"
APT_PACKAGE = r"^[a-z0-9][a-z0-9+.-]+(=[A-Za-z0-9.+:~-]+)?$"
PIP_PACKAGE = r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?==[A-Za-z0-9.+!_-]+$"
IMAGE = r"^[a-z0-9][a-z0-9._/:-]*(@sha256:[0-9a-f]{64})?$"
ENV_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
ENV_VALUE = r"^[^'\n\r\x00]*$"
MEMBER = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\.onnx$"
VERSION = r"^[0-9]+\.[0-9]+$"

WORDS = {
    NAME: "lower-case letters, digits and hyphens, beginning with a letter: `my-model-2`",
    SHA256: "64 lower-case hexadecimal digits, as `sha256sum FILE` prints them",
    URL: "an address that begins with http:// or https://",
    QUANTITY: "a Kubernetes quantity: `2`, `500m`, `4Gi`",
    DURATION: "hours, minutes and seconds: `30s`, `1m30s`, `2m`",
    APT_PACKAGE: "the name of a Debian package, maybe with `=version`",
    PIP_PACKAGE: "a Python package with its exact version: `name==1.2.3`",
    IMAGE: "the name of a container image: `python:3.11-slim`",
    ENV_NAME: "letters, digits and underscores, not beginning with a digit",
    ENV_VALUE: "one line without a single quote, since Nuclio puts it between single quotes",
    MEMBER: "a path within the wheel that ends with .onnx: `package/models/model.onnx`",
    VERSION: 'two numbers in quotes: `"2.60"`',
}
"""Pattern -> what it allows."""
