import pytest
import yaml

from builder.targets import plain_yaml


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [x, 'y', \"z\"]\n",
        'spec: |\n  [{"name": "caf\u00e9"}]\nport: 0x1f\nyes: no\nempty:\n',
        "'12e5': 12e5\n? long\n: 2024-01-01\n",
        "",
    ],
)
def test_the_data_are_those_of_pyyaml_without_libyaml(text: str) -> None:
    assert plain_yaml.load(text) == yaml.safe_load(text)


@pytest.mark.parametrize("text", ["!!python/object/apply:os.getcwd []", "a: [", "\x00"])
def test_tags_of_python_and_invalid_texts_are_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        plain_yaml.load(text)
