"""Compare this package with others on this machine: `uv run benchmarks/run.py [NAME …] [options]`.

Each workload runs in a process of its own, the packages in turn (A B C A B C …), CPU time only. A ratio is the median
of the rounds' ratios; the spread is the largest over the smallest. Nothing is judged by wall time.

--against NAME …  1.30.0 (alone by default), 2.3.0, fastmcp; `all` for the three
--rounds N        rounds of each workload (3)
--growth          what may not grow: tools, calls in flight, sessions, once, with 1.30.0
--uvloop          HTTP with uvloop and httptools installed against without
--write           everything above, into docs/performance.md and README.md
--check           exit 1 if a ratio misses its target by more than a fifth (the noise of a shared machine)
--divide N        N times fewer operations, to see that everything runs
"""

from __future__ import annotations

import argparse
import time

import report
from environments import FLOOR, OFFICIAL, OURS, PEERS, Side, peer, with_uvloop
from report import Growth, Row
from workloads import GROWTH, WITH_UVLOOP, WORKLOADS


def measure_row(name: str, peers: list[Side], rounds: int, divide: int) -> Row:
    """One workload on every side that can do it, in turn."""
    workload = WORKLOADS[name]
    sides = [OURS, *(side for side in peers if side.api == "1.x" or workload.peers)]
    if workload.floor is not None:
        sides.append(FLOOR)
    figures: dict[str, list[float]] = {side.name: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            figures[side.name].append(side.measure(name, divide))
    return Row(workload.what, workload.whose, workload.target, figures)


def measure_uvloop(rounds: int, divide: int, peers: list[Side]) -> list[Row]:
    """HTTP with uvloop and httptools beside ours and 1.30.0, against without."""
    rows: list[Row] = []
    for name, workload in WITH_UVLOOP.items():
        for side in [OURS, *(side for side in peers if side.name == OFFICIAL)]:
            figures: dict[str, list[float]] = {"ours": [], "without": []}
            faster = with_uvloop(side)
            for _ in range(rounds):
                figures["ours"].append(faster.measure(name, divide))
                figures["without"].append(side.measure(name, divide))
            rows.append(Row(f"{workload.what}, {side.name}", workload.whose, None, figures))
            print(report.uvloop_line(rows[-1]), flush=True)
    return rows


def measure_growth(peers: list[Side], divide: int) -> list[Growth]:
    found: list[Growth] = []
    for what, sizes in GROWTH.items():
        for side in [OURS, *(side for side in peers if side.name == OFFICIAL)]:
            figures = {size: side.measure(f"growth:{what}:{size}", divide) for size in sizes}
            found.append(Growth(what, side.name, figures))
            print(report.growth_line(found[-1]), flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(WORKLOADS))
    parser.add_argument("--against", nargs="+", choices=[*PEERS, "all"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--divide", type=int, default=1)
    for flag in ("growth", "uvloop", "write", "check"):
        parser.add_argument(f"--{flag}", action="store_true")
    arguments = parser.parse_args()

    started = time.monotonic()
    against = arguments.against or (["all"] if arguments.write else [OFFICIAL])
    peers = [peer(name) for name in (PEERS if "all" in against else against)]
    only_parts = (arguments.growth or arguments.uvloop) and not arguments.names
    names = [] if only_parts and not arguments.write else arguments.names or list(WORKLOADS)
    rows: dict[str, Row] = {}
    for name in names:
        rows[name] = measure_row(name, peers, arguments.rounds, arguments.divide)
        print(report.line(rows[name]), flush=True)
    uvloop = measure_uvloop(arguments.rounds, arguments.divide, peers) if arguments.uvloop or arguments.write else []
    growth = measure_growth(peers, arguments.divide) if arguments.growth or arguments.write else []

    if arguments.write:
        report.write(rows, uvloop, growth, [side.name for side in peers], arguments.rounds)
    print(f"{time.monotonic() - started:.0f} s")
    missed = [name for name, row in rows.items() if row.missed(1.2)]
    if missed:
        print("missed:", ", ".join(missed))
    return 1 if missed and arguments.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
