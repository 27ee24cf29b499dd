"""Run the test suites of packages that depend on `mcp` 1.x against this one. By hand: `python tests/wild/suites.py`.

Each package's source distribution is fetched from the package index by name, and its own tests run in an environment
of its own with this package in the place of `mcp`. Names as arguments choose some; `--official` runs them on 1.30.0.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Suite:
    """What to install besides the package, which of its tests to run, and those that cannot pass, with the reason."""

    package: str
    needs: str
    tests: str
    failing: str = ""


SUITES = [
    Suite(
        "langchain-mcp-adapters==0.3.2",
        "pytest-socket pytest-asyncio websockets pytest-timeout dirty-equals langchain",
        "tests --disable-socket --allow-unix-socket --allow-hosts=127.0.0.1,localhost",
    ),
    Suite("mcp-proxy==0.13.0", "pytest-asyncio", "tests", "one wants a file that its distribution lacks"),
    Suite(
        "fastapi-mcp==0.4.0",
        "pytest-asyncio pytest-cov pyjwt cryptography",
        "tests --no-cov",
        "two want -32602 for an unknown method, where JSON-RPC has -32601; its fixtures break 14 anywhere",
    ),
    Suite(
        "openai-agents==0.24.0",
        "pytest-asyncio pytest-mock inline-snapshot rich graphviz websockets aiohttp numpy sqlalchemy aiosqlite",
        "tests/mcp tests/test_mcp_tool_metadata.py -o addopts=",
        "five want names of mcp 2.x",
    ),
    Suite(
        "strands-agents==1.62.0",
        "pytest-asyncio pytest-xdist moto openai anthropic pytest-timeout",
        "tests/strands/tools/mcp -o addopts=",
    ),
    Suite("crewai-tools==1.15.30", "pytest-asyncio mcpadapt crewai", "tests/adapters/mcp_adapter_test.py"),
    Suite(
        "mcpadapt==0.1.19",
        "pytest-asyncio pytest-datadir smolagents langchain langgraph langchain-anthropic google-genai",
        "tests -o asyncio_mode=auto --ignore tests/test_crewai_adapter.py --ignore tests/test_audio.py",
        "those of audio want torch",
    ),
    Suite(
        "mcp-use==1.7.1",
        "pytest-asyncio pytest-timeout aiohttp langchain-openai langchain-anthropic fastapi",
        "tests/unit tests/integration/client/transports tests/integration/client/primitives -o addopts=",
        "one wants e2b",
    ),
    Suite("mcp-haystack==2.1.1", "pytest-asyncio pytest-timeout pytest-rerunfailures", "tests -o addopts="),
    Suite("mcpo==0.0.20", "pytest-asyncio", "src/mcpo/tests"),
    Suite(
        "mcp-agent==0.2.6",
        "pytest-asyncio openai anthropic google-genai boto3 azure-ai-inference langchain-core crewai temporalio redis"
        " azure-identity cohere",
        "tests/mcp tests/core tests/app tests/server -o addopts=",
        "two register a function with *args and **kwargs as a tool, which is refused",
    ),
]


def run(suite: Suite, folder: Path, mcp: str) -> str:
    """The last line that pytest printed."""
    pip = ["uv", "run", "-q", "--no-project", "--with", "pip", "python", "-m", "pip"]
    fetch = ["download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(folder), suite.package]
    subprocess.run([*pip, *fetch], check=True)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    source = next(path for path in folder.iterdir() if path.is_dir())
    # Some tests start `uv run python` in their folder: that has to find this environment and no project.
    environment = source / ".venv"
    (folder / "override.txt").write_text(mcp)
    subprocess.run(["uv", "venv", "-q", str(environment)], check=True)
    install = ["uv", "pip", "install", "-q", "--python", str(environment), "--override", str(folder / "override.txt")]
    subprocess.run([*install, str(source), "pytest", *suite.needs.split()], check=True)
    variables = {**os.environ, "UV_NO_PROJECT": "1", "PATH": f"{environment / 'bin'}:{os.environ['PATH']}"}
    command = [str(environment / "bin" / "python"), "-m", "pytest", "-q", *suite.tests.split()]
    done = subprocess.run(command, cwd=source, env=variables, capture_output=True, text=True, timeout=900, check=False)
    return done.stdout.strip().splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--official", action="store_true")
    arguments = parser.parse_args()
    mcp = "mcp==1.30.0" if arguments.official else f"mcp @ {ROOT.as_uri()}"
    for suite in SUITES:
        if not arguments.names or suite.package.partition("==")[0] in arguments.names:
            with tempfile.TemporaryDirectory() as folder:
                outcome = run(suite, Path(folder), mcp)
            print(f"{suite.package:32} {outcome}" + (f"  ({suite.failing})" if suite.failing else ""), flush=True)


if __name__ == "__main__":
    main()
