"""Every rule of the contract is named by a test, or is excused in `contract-exceptions.md`."""

import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGES = ["fastmcp-tools", "fastmcp-resources-prompts", "fastmcp-server"]
"""The pages of the contract whose rules must be named by now."""

RULE = re.compile(r"(?<![\w-])[A-Z][A-Z0-9]*(?:-[A-Z]+)*-\d+[a-z]?(?![\w-])")


def rules(page: str) -> list[str]:
    return (TESTS / "data" / "contract-ids" / f"{page}.txt").read_text(encoding="utf-8").split()


@cache
def named() -> dict[str, str]:
    """The rules that tests name, each with a file that does."""
    found: dict[str, str] = {}
    for path in sorted(TESTS.rglob("*.py")):
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
    known = {rule for path in (TESTS / "data" / "contract-ids").iterdir() for rule in rules(path.stem)}
    assert [rule for rule in excused() if rule not in known or rule in named()] == []


def test_pages_are_there_and_not_empty():
    assert all(rules(page) for page in PAGES)
