"""Compare packages with the 1.x API, in turn on the same machine: `uv run benchmarks/run.py [NAME …]`.

Each workload runs in a process of its own, ours and the official 1.30.0 alternating (A B A B …), CPU time only. The
ratio is the median of the rounds' ratios; the spread is the largest over the smallest. Nothing is judged by wall time.

--rounds N   rounds of each pair (3)
--markdown   a table for docs/performance.md
--check      exit 1 if a ratio misses its target by more than a fifth (the noise of a shared machine)
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
OFFICIAL = ["uv", "run", "--isolated", "--no-project", "--python", "{python}", "--with", "mcp==1.30.0", "python"]


def official_python() -> str:
    """An interpreter with the official package, installed once for all rounds."""
    command = [part.format(python=f"{sys.version_info.major}.{sys.version_info.minor}") for part in OFFICIAL]
    environment = HERE / ".official"
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run(["uv", "venv", "-q", "--python", command[5], str(environment)], check=True)
        subprocess.run(["uv", "pip", "install", "-q", "--python", str(python), command[7]], check=True)
    return str(python)


def measure(python: str, name: str) -> float:
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV", "FASTMCP"))
    }
    done = subprocess.run(
        [python, str(HERE / "workloads.py"), name], capture_output=True, text=True, timeout=600, env=environment
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed with {python}:\n{done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])


def main() -> int:
    from workloads import WORKLOADS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()

    theirs = official_python()
    missed = []
    if arguments.markdown:
        print("| workload | whose CPU | 1.30.0 | ours | ratio | spread | target |\n|---|---|---:|---:|---:|---:|---:|")
    for name in arguments.names or WORKLOADS:
        what, whose, target, _ = WORKLOADS[name]
        pairs = [(measure(sys.executable, name), measure(theirs, name)) for _ in range(arguments.rounds)]
        ratios = [ours / official for ours, official in pairs]
        ratio, spread = statistics.median(ratios), max(ratios) / min(ratios)
        ours, official = (statistics.median(side) for side in zip(*pairs, strict=True))
        goal = "–" if target is None else f"≤ {target:.2f}"
        if arguments.markdown:
            print(f"| {what} | {whose} | {official:,.0f} | {ours:,.0f} | {ratio:.2f} | {spread:.2f} | {goal} |")
        else:
            verdict = "" if target is None else "ok" if ratio <= target else "MISSED"
            print(
                f"{what:45} {whose:7} {official:10,.0f} {ours:10,.0f}  {ratio:5.2f} x{spread:.2f}  {goal:7} {verdict}"
            )
        sys.stdout.flush()
        if target is not None and ratio > target * 1.2:
            missed.append(name)
    if missed and arguments.check:
        print("missed:", ", ".join(missed))
        return 1
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    raise SystemExit(main())
