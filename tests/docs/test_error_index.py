"""The pages on errors have every text that the package raises, and no others."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
INDEX = (ROOT / "docs" / "errors-index.md").read_text(encoding="utf-8")
PAGES = INDEX + "".join(
    (ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("errors.md", "authorization.md")
)

# What lookups raise, and anyio's own error: for programs, not for people.
NOT_FOR_PEOPLE = {"AttributeError", "LookupError", "BusyResourceError"}


def fixed_parts(text: ast.expr) -> list[str]:
    """The literal parts of a string, which stand between what varies."""
    if isinstance(text, ast.JoinedStr):
        return [part.value for part in text.values if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return [text.value] if isinstance(text, ast.Constant) and isinstance(text.value, str) else []


def raised_texts() -> Iterator[tuple[str, str]]:
    """For each `raise Error("text")`: where, and the longest fixed part of its text."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
                continue
            error = ast.unparse(node.exc.func).rpartition(".")[2]
            arguments = [*node.exc.args, *(keyword.value for keyword in node.exc.keywords)]
            parts = [part.strip() for argument in arguments for part in fixed_parts(argument)]
            longest = max(parts, key=len, default="")
            # A sentence, not an OAuth error code or a file mode.
            if " " in longest and error not in NOT_FOR_PEOPLE and not error.startswith("_"):
                yield f"{path.relative_to(ROOT).as_posix()}:{node.lineno}", longest


def test_every_text_is_listed() -> None:
    listed = re.sub(r"[`*]", "", PAGES)
    raised = list(raised_texts())
    assert len(raised) > 150
    assert [place for place in raised if place[1].replace("`", "") not in listed] == []


def test_every_listed_text_is_raised() -> None:
    literals: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.expr):
                literals.update(fixed_parts(node))
    said = "\n".join(literals)
    cells = re.findall(r"^\| (`.*?) \| ", INDEX, re.MULTILINE)
    texts = [text for cell in cells for text in re.findall(r"``(.+?)``(?!`)|`([^`]+)`", cell)]
    parts = [part.strip() for double, single in texts for part in (double or single).split("…")]
    assert len(parts) > 100
    assert [part for part in parts if part not in said] == []
