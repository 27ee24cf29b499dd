"""The figures as lines on a terminal, and as tables in the marked sections of the documents."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from environments import OFFICIAL, PEERS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "performance.md"
README = ROOT / "README.md"
README_ROWS = (
    "memory-add",
    "memory-person",
    "memory-list",
    "stdio",
    "stdio-64",
    "http-sse",
    "http-json",
    "http-client",
    "http-memory",
    "register",
    "import-server",
    "cold-start",
)


@dataclass(frozen=True)
class Row:
    """One workload: the figures of every round by the name of the side; "ours" is one of them."""

    what: str
    whose: str
    target: float | None
    figures: dict[str, list[float]]

    def median(self, side: str) -> float:
        return statistics.median(self.figures[side])

    def ratios(self, side: str) -> list[float]:
        """Ours divided by another, round by round."""
        return [ours / theirs for ours, theirs in zip(self.figures["ours"], self.figures[side], strict=True)]

    def ratio(self, side: str) -> float:
        return statistics.median(self.ratios(side))

    def missed(self, margin: float = 1.0) -> bool:
        """Whether the ratio to 1.30.0 is above `margin` times the target."""
        return self.target is not None and OFFICIAL in self.figures and self.ratio(OFFICIAL) > self.target * margin


@dataclass(frozen=True)
class Growth:
    """What one operation costs by the size of something: microseconds by size."""

    what: str
    side: str
    figures: dict[str, float]


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def spread(ratios: list[float]) -> float:
    return max(ratios) / min(ratios)


def line(row: Row) -> str:
    parts = [f"{row.what:45} {row.whose:7} ours {number(row.median('ours')):>8}"]
    for side in row.figures:
        if side != "ours":
            ratios = row.ratios(side)
            parts.append(f"{side} {number(row.median(side)):>8} {row.ratio(side):6.3f} x{spread(ratios):.2f}")
    if row.target is not None and OFFICIAL in row.figures:
        parts.append(f"≤ {row.target:.2f} {'MISSED' if row.missed() else 'ok'}")
    return "  ".join(parts)


def uvloop_line(row: Row) -> str:
    figures = f"{number(row.median('without'))} → {number(row.median('ours'))}"
    return f"{row.what}: {figures}, {row.ratio('without'):.2f} x{spread(row.ratios('without')):.2f}"


def growth_line(growth: Growth) -> str:
    return f"{growth.what}, {growth.side}: " + ", ".join(
        f"{size}: {number(value)}" for size, value in growth.figures.items()
    )


def cell(row: Row, side: str) -> str:
    """The figure of a side, and ours as a part of it."""
    if side not in row.figures:
        return "–"
    return f"{number(row.median(side))} ({row.ratio(side):.2f})"


def main_table(rows: list[Row], sides: list[str]) -> list[str]:
    others = [side for side in sides if side != OFFICIAL]
    heads = ["workload", "whose CPU", "ours", OFFICIAL, "ratio", "spread", "target", *others, "floor"]
    found = [f"| {' | '.join(heads)} |", "|---|---|" + "---:|" * (len(heads) - 2)]
    for row in rows:
        official = ["–", "–", "–"]
        if OFFICIAL in row.figures:
            ratios = row.ratios(OFFICIAL)
            official = [number(row.median(OFFICIAL)), f"{row.ratio(OFFICIAL):.3f}", f"{spread(ratios):.2f}"]
        target = "–" if row.target is None else f"≤ {row.target:.2f}"
        floor = "–"
        if "floor" in row.figures:
            floor = f"{number(row.median('floor'))} (×{row.ratio('floor'):.1f})"
        cells = [row.what, row.whose, number(row.median("ours")), *official, target]
        cells += [cell(row, side) for side in others]
        found.append(f"| {' | '.join([*cells, floor])} |")
    return found


def uvloop_table(rows: list[Row]) -> list[str]:
    found = ["| workload | without | with | ratio | spread |", "|---|---:|---:|---:|---:|"]
    for row in rows:
        ratios = row.ratios("without")
        figures = [number(row.median("without")), number(row.median("ours"))]
        cells = [row.what, *figures, f"{row.ratio('without'):.2f}", f"{spread(ratios):.2f}"]
        found.append(f"| {' | '.join(cells)} |")
    return found


def growth_table(rows: list[Growth]) -> list[str]:
    found = ["| what grows | package | sizes | µs of CPU each |", "|---|---|---|---|"]
    for row in rows:
        sizes = " / ".join(f"{int(size):,}" for size in row.figures)
        figures = " / ".join(number(value) for value in row.figures.values())
        found.append(f"| {row.what} | {row.side} | {sizes} | {figures} |")
    return found


def readme_table(rows: dict[str, Row], sides: list[str]) -> list[str]:
    heads = " | ".join(f"{side} (ours ÷ it)" for side in sides)
    found = [f"| CPU time, µs unless named | ours | {heads} |", "|---|---:|" + "---:|" * len(sides)]
    for name in README_ROWS:
        if name in rows:
            row = rows[name]
            cells = [cell(row, side) for side in sides]
            found.append(f"| {row.what} | {number(row.median('ours'))} | {' | '.join(cells)} |")
    return found


def circumstances(sides: list[str], rounds: int) -> str:
    """What a reader needs to know of the run."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("pydantic", "anyio", "starlette", "uvicorn", "httpx"))
    others = ", ".join(PEERS[side][0] for side in sides)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {sys.platform} {platform.machine()}, "
        f"{os.cpu_count()} processors, load averages at the end {load}; {versions}; against {others}; {rounds} rounds."
    )


def fill(path: Path, name: str, lines: list[str]) -> None:
    """Replace what stands between the markers `<!-- NAME: begin -->` and `<!-- NAME: end -->`."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, rest = path.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    path.write_text("\n".join([before + begin, *lines, end + after]), encoding="utf-8")


def write(rows: dict[str, Row], uvloop: list[Row], growth: list[Growth], sides: list[str], rounds: int) -> None:
    """Fill the marked sections of docs/performance.md and README.md."""
    fill(DOCUMENT, "circumstances", ["", circumstances(sides, rounds), ""])
    fill(DOCUMENT, "main table", ["", *main_table(list(rows.values()), sides), ""])
    fill(DOCUMENT, "uvloop table", ["", *uvloop_table(uvloop), ""])
    fill(DOCUMENT, "growth table", ["", *growth_table(growth), ""])
    fill(README, "performance table", ["", *readme_table(rows, sides), ""])
