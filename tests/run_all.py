"""Everything that must pass: `pip install uv && python tests/run_all.py`.

Each gate is a few commands. `--quick` leaves the other Pythons and the lowest dependencies out, `--only GATE …` runs
some. Exit status 0 only if every gate passed; a gate whose Python is missing says so and is skipped.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COVERAGE = 95
# A test that fails is tried again, and the summary names it: machines that are shared lose seconds now and then.
PYTEST = ["pytest", "-q", "-n", "2", "--dist", "worksteal", "--reruns", "2", "-rR"]
# Other SDKs are the same on every Python of ours: they are talked to once.
PYTEST_ELSEWHERE = ["python", "-m", *PYTEST, "-m", "not interop"]


@dataclass
class Gate:
    name: str
    commands: list[list[str]]
    python: str = "3.11"
    environment: str = ".venv"


def in_project(*command: str) -> list[str]:
    return ["uv", "run", "-q", "--python", "3.11", "--all-extras", "--all-groups", *command]


def elsewhere(name: str, python: str, environment: str, *options: str) -> Gate:
    """The suite in an environment of its own."""
    path = str(ROOT / environment)
    install = ["uv", "pip", "install", "-q", "--python", path, "-e", ".[cli,rich,ws]", "--group", "test", *options]
    run = [str(Path(path, "bin", "python")), *PYTEST_ELSEWHERE[1:]]
    return Gate(name, [["uv", "venv", "-q", "--clear", "--python", python, path], install, run], python, environment)


def gates(quick: bool) -> list[Gate]:
    coverage = ["python", "-m", "coverage"]
    found = [
        Gate("lint", [in_project("ruff", "check"), in_project("ruff", "format", "--check")]),
        Gate("types", [in_project("pyright")]),
        Gate("floors", [in_project("lint-imports")]),
        # Not with -q: what is not shown is not counted.
        Gate("docs", [in_project("mkdocs", "build", "--strict")]),
        Gate(
            "tests",
            [
                in_project(*coverage, "erase"),
                in_project(*coverage, "run", "-m", *PYTEST),
                in_project(*coverage, "combine", "-q"),
                in_project(*coverage, "report", "--skip-covered", "--skip-empty", f"--fail-under={COVERAGE}"),
            ],
        ),
    ]
    if not quick:
        found += [
            elsewhere("tests on 3.10", "3.10", ".venv-3.10"),
            elsewhere("tests on 3.13", "3.13", ".venv-3.13"),
            elsewhere("tests, lowest dependencies", "3.11", ".venv-lowest", "--resolution", "lowest-direct"),
        ]
    return found


def passes(gate: Gate) -> bool:
    print(f"\n=== {gate.name}", flush=True)
    for command in gate.commands:
        if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode:
            print(f"=== {gate.name} FAILED: {' '.join(command)}", flush=True)
            return False
    return True


def has_python(version: str) -> bool:
    return not subprocess.run(["uv", "python", "find", version], cwd=ROOT, capture_output=True, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", metavar="GATE")
    arguments = parser.parse_args()
    if shutil.which("uv") is None:
        print("uv is missing: pip install uv")
        return 1
    # Downloading an interpreter is not ours to do, and the caller's environment is not ours to use.
    os.environ["UV_PYTHON_DOWNLOADS"] = "never"
    os.environ.pop("VIRTUAL_ENV", None)
    os.environ["NO_MKDOCS_2_WARNING"] = "1"

    outcomes: list[tuple[str, str]] = []
    failed = 0
    for gate in gates(arguments.quick):
        if arguments.only and gate.name not in arguments.only:
            continue
        if not has_python(gate.python):
            outcomes.append((gate.name, f"skipped: Python {gate.python} is not installed"))
            continue
        start = time.monotonic()
        passed = passes(gate)
        failed += not passed
        outcomes.append((gate.name, f"{'passed' if passed else 'FAILED'} in {time.monotonic() - start:.0f} s"))

    print("\n" + "\n".join(f"{name:28} {outcome}" for name, outcome in outcomes))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
