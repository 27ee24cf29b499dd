"""Every code block of README and documentation works, and every example shown is a file that runs."""

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
)
LANGUAGES = {"python", "console", "mermaid", "nginx"}

# What the command lines of the documentation begin with.
PROGRAMS = {"pip", "uv", "mcp", "python", "./.ci/run"}


@dataclass
class Block:
    """A fenced block. `included` is the file that it shows, if it shows one."""

    page: str
    line: int
    language: str
    text: str
    included: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks() -> Iterator[Block]:
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for match in re.finditer(r"^```(\S*)[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            shown = re.fullmatch(r'--8<-- "([^"]+)"\n', match[2])
            line = text.count("\n", 0, match.start()) + 1
            yield Block(page, line, match[1], match[2], shown and shown[1])


BLOCKS = list(blocks())
OWN_PYTHON = [block for block in BLOCKS if block.language == "python" and block.included is None]


def test_there_are_blocks_and_all_are_of_a_kind_that_is_checked() -> None:
    assert {"README.md", "docs/index.md", "docs/servers/tools.md"} <= {block.page for block in BLOCKS}
    assert [str(block) for block in BLOCKS if block.language not in LANGUAGES] == []


def test_pages_are_there() -> None:
    """EX-1 EX-2"""
    subjects = "index installation first-server first-client servers/lowlevel clients/writing authorization testing"
    pages = [*subjects.split(), "deployment/transports", "api/index", "experimental/tasks"]
    assert [page for page in pages if f"docs/{page}.md" not in PAGES] == []


def test_shown_files_are_examples() -> None:
    """EX-3: what a page shows is a file that can be run; tests/examples runs them."""
    shown = [block for block in BLOCKS if block.included is not None]
    assert len(shown) > 40
    assert [str(block) for block in shown if not (ROOT / str(block.included)).is_file()] == []
    assert [str(block) for block in shown if not str(block.included).startswith("examples/")] == []


def namespace_of_page(page: str, until: int, tmp_path: Path) -> dict[str, Any]:
    """What the blocks of a page before a line define: those that follow may build on them."""
    namespace: dict[str, Any] = {"__name__": "page", "__file__": str(tmp_path / "page.py")}
    for block in BLOCKS:
        if block.page == page and block.language == "python" and block.line < until:
            source = block.text
            if block.included is not None:
                source = (ROOT / block.included).read_text(encoding="utf-8")
                if "/servers/" not in block.included:
                    continue
                namespace["__file__"] = str(ROOT / block.included)
            exec(compile(source, str(block), "exec"), namespace)
    return namespace


@pytest.mark.parametrize("block", OWN_PYTHON, ids=str)
def test_python_block_runs(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """EX-3"""
    from mcp.server.fastmcp import FastMCP

    monkeypatch.setattr(FastMCP, "run", lambda *arguments, **options: None)
    if block.page == "README.md":
        ast.parse(block.text)
        return
    # Classes look their module up there.
    page = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", page)
    page.__dict__.update(namespace_of_page(block.page, block.line, tmp_path))
    exec(compile(block.text, str(block), "exec"), page.__dict__)


def test_readme_server_and_client(tmp_path: Path) -> None:
    """EX-1 EX-3: the server and the client of README, saved and run as it says."""
    server, client = [block.text for block in OWN_PYTHON if block.page == "README.md"]
    (tmp_path / "server.py").write_text(server)
    (tmp_path / "client.py").write_text(client)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    options: dict[str, Any] = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True, "timeout": 30}
    ran = subprocess.run([sys.executable, "client.py"], check=False, **options)
    assert ran.stdout == "{'result': 3}\n", ran.stderr
    assert "$ python client.py\n" + ran.stdout in (ROOT / "README.md").read_text()


@dataclass
class Exchange:
    """A command of the documentation for which the page shows what it prints."""

    page: str
    words: list[str]
    printed: str

    def __str__(self) -> str:
        return f"{self.page}-{'-'.join(self.words[1:3])}"


def exchanges() -> Iterator[Exchange]:
    for block in BLOCKS:
        if block.language == "console":
            for line, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)+)", block.text, re.MULTILINE):
                words = shlex.split(line.removeprefix("uv run --all-extras "), comments=True)
                # Those that install, and the clients, which are run by tests of their own.
                if words[0] == "mcp" and words[1] != "install":
                    yield Exchange(block.page, words, printed)


EXCHANGES = list(exchanges())
VARIES = re.compile(r"\d[\d.]*\+reimpl\.\d+|[\d.]+ ms")


@pytest.mark.parametrize("exchange", EXCHANGES, ids=str)
def test_command_prints_what_the_page_shows(
    exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """EX-1 EX-3"""
    from mcp.cli import app

    server = ROOT / "examples" / "quickstart" / "server.py"
    if exchange.page == "docs/first-server.md":
        server = ROOT / "examples" / "snippets" / "servers" / "basic_tool.py"
    source = server.read_text(encoding="utf-8")
    if exchange.page == "README.md":
        source = next(block.text for block in OWN_PYTHON if block.page == "README.md")
    (tmp_path / "server.py").write_text(source, encoding="utf-8")
    in_checkout = any(word.startswith("examples/") for word in exchange.words)
    monkeypatch.chdir(ROOT if in_checkout else tmp_path)
    with pytest.raises(SystemExit) as ended:
        app(exchange.words[1:])
    assert ended.value.code == 0
    assert VARIES.sub("*", capsys.readouterr().out) == VARIES.sub("*", exchange.printed)


def test_commands_are_shown_with_what_they_print() -> None:
    assert {"README.md", "docs/installation.md", "docs/first-server.md", "docs/cli.md"} <= {
        exchange.page for exchange in EXCHANGES
    }


def command_lines() -> Iterator[tuple[Block, list[str]]]:
    for block in BLOCKS:
        if block.language != "console":
            continue
        prompted = [line for line in block.text.splitlines() if line.startswith("$ ")]
        # Blocks without a prompt are nothing but commands.
        for line in prompted or block.text.splitlines():
            line = re.sub(r"\s&$", "", line.removeprefix("$ "))
            for command in line.split(" && "):
                words = shlex.split(command, comments=True)
                while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                    words.pop(0)
                if words:
                    yield block, words


COMMANDS = list(command_lines())


@pytest.mark.parametrize(("block", "words"), COMMANDS, ids=[str(number) for number in range(len(COMMANDS))])
def test_command_line(block: Block, words: list[str]) -> None:
    assert words[0] in PROGRAMS
    for word in words:
        if re.fullmatch(r"(examples|tests|benchmarks)/[\w./-]+", word):
            assert (ROOT / word).exists()
    if words[:2] == ["uv", "run"]:
        words = words[2:]
        while words[0].startswith("-"):
            words = words[2:] if words[0] in ("--group", "--with") else words[1:]
    if words[0] != "mcp":
        return
    import typer.main

    from mcp.cli import app

    command: Any = typer.main.get_command(app)
    if words[1].startswith("-") or words[1] == "COMMAND":
        return
    assert words[1] in command.commands
    # Parses the options; unknown ones raise.
    command.commands[words[1]].make_context(words[1], list(words[2:]))


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "mermaid"], ids=str)
def test_diagram(block: Block) -> None:
    kind, *lines = block.text.splitlines()
    assert re.fullmatch(r"sequenceDiagram|flowchart (TB|LR)", kind)
    assert lines
    if kind == "sequenceDiagram":
        known = re.compile(r"    (participant \w+ as .+|\w+-?->>\w+: [^;#]+)")
        assert [line for line in lines if not known.fullmatch(line)] == []


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES)
def test_links_to_files_lead_somewhere(page: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = [target for target in LINK.findall(text) if not re.match(r"https?:|mailto:|#", target)]
    missing = [target for target in targets if not (ROOT / page).parent.joinpath(target.split("#")[0]).exists()]
    assert missing == []


def test_every_page_is_reached_from_the_first_one() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [
            page.parent / target.split("#")[0]
            for target in LINK.findall(page.read_text(encoding="utf-8"))
            if not re.match(r"https?:|mailto:|#", target)
        ]
    pages = {path.resolve() for path in (ROOT / "docs").rglob("*.md")}
    assert sorted(path.relative_to(ROOT).as_posix() for path in pages - reached) == []


def test_error_texts_are_those_of_the_package() -> None:
    """The index of errors quotes what the sources say; what varies stands between the quotes."""
    sources = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "src").rglob("*.py"))]
    # Texts are broken over lines as adjacent literals.
    said = re.sub(r'"\s*\n\s*f?"', "", "\n".join(sources))
    rows = re.findall(r"^\|(.*)\|$", (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    # From other libraries, or put together.
    put_together = re.compile(
        r"anyio\.|httpx\.|All connection attempts|validation error|the server process exited with|mcp\.get_context"
        r"|URL elicitation required|structured_output=True"
    )
    quoted = [
        part.strip(" ,.`")
        for row in rows
        for cell in row.split(" | ")[:2]
        for text in re.findall(r"`([^`]{12,})`", cell)
        for part in re.split(r"Connection closed: ?|\.\.\.|'\d{3} [\w ]+'|@\w+|^FASTMCP_|ClientRequest", text)
        if len(part) > 3
    ]
    assert len(quoted) > 40
    assert "\n".join(part for part in quoted if part not in said and not put_together.match(part)) == ""
