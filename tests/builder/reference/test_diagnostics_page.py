import re

from builder.reference.diagnostics_page import page, rules


def test_every_rule_is_on_the_page_once() -> None:
    codes = re.findall(r"^\| `([a-z0-9-]+)` \|", page(), re.MULTILINE)
    listed = [rule.code for group in rules().values() for rule in group]
    assert sorted(codes) == sorted(listed)
    assert len(set(codes)) == len(codes)


def test_titles_name_a_defect_in_a_few_words_and_reasons_are_sentences() -> None:
    for group in rules().values():
        for rule in group:
            assert 1 < len(rule.title.split()) <= 10, rule
            assert not rule.title.endswith("."), rule
            assert rule.why.endswith("."), rule
