"""Every rule of the contract is named by a test, or is excused in `contract-exceptions.md`."""

import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGES = sorted(path.stem for path in (TESTS / "data" / "contract-ids").glob("*.txt"))
"""The pages of the contract."""

RULE = re.compile(r"(?<![\w-])[A-Z][A-Z0-9]*(?:-[A-Z]+)*-\d+[a-z]?(?![\w-])")


def rules(page: str) -> list[str]:
    return (TESTS / "data" / "contract-ids" / f"{page}.txt").read_text(encoding="utf-8").split()


@cache
def known() -> set[str]:
    """The rules of all pages."""
    return {rule for page in PAGES for rule in rules(page)}


def area(rule: str) -> str:
    """`SES` of `SES-13`."""
    return rule.rpartition("-")[0]


@cache
def named() -> dict[str, str]:
    """The rules that tests name, each with a file that does."""
    found: dict[str, str] = {}
    # The conversations are tests too: one test replays each of them.
    files = [*TESTS.rglob("*.py"), *(TESTS / "data" / "conversations").glob("*.jsonl")]
    for path in sorted(files):
        if path.resolve() != Path(__file__).resolve():
            found.update(dict.fromkeys(RULE.findall(path.read_text(encoding="utf-8")), path.name))
    return found


@cache
def excused() -> dict[str, str]:
    """The rules that no test names, each with the reason."""
    text = (TESTS / "contract-exceptions.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^- ([A-Z][\w-]*\d[a-z]?): (\S.*)$", text, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_every_rule_is_named_by_a_test(page: str):
    missing = [rule for rule in rules(page) if rule not in named() and rule not in excused()]
    assert missing == []


def test_exceptions_are_rules_that_no_test_names():
    assert [rule for rule in excused() if rule not in known() or rule in named()] == []


def test_tests_name_no_rule_that_does_not_exist():
    """A mistyped id would leave its rule without a test, or claim one that is none."""
    areas = {area(rule) for rule in known()}
    assert {rule: file for rule, file in named().items() if area(rule) in areas and rule not in known()} == {}


def test_pages_are_there_and_not_empty():
    assert len(PAGES) == 14
    assert all(rules(page) for page in PAGES)
