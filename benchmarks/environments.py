"""The packages that are compared, each in an environment of its own under `.environments/`, made when first needed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE / ".environments"


@dataclass(frozen=True)
class Side:
    """Something to measure.

    Attributes:
        name: the heading of its column.
        python: the interpreter that has it.
        api: which API it has, as api.py spells it.
        prefix: what to put before the names of workloads.
        variables: further environment variables.
    """

    name: str
    python: str = sys.executable
    api: str = "1.x"
    prefix: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def measure(self, workload: str, divide: int) -> float:
        """Run one workload in a process of its own, and give the number that it prints."""
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV", "FASTMCP"))
        }
        environment |= {"BENCH_API": self.api, "BENCH_DIVIDE": str(divide), **self.variables}
        done = subprocess.run(
            [self.python, str(HERE / "workloads.py"), self.prefix + workload],
            capture_output=True,
            text=True,
            timeout=300,
            env=environment,
        )
        if done.returncode:
            raise RuntimeError(f"{workload} failed with {self.name}:\n{done.stderr[-2000:]}")
        return float(done.stdout.split()[-1])


OURS = Side("ours")
FLOOR = Side("floor", prefix="floor:")
OFFICIAL = "1.30.0"
PEERS = {OFFICIAL: ("mcp==1.30.0", "1.x"), "2.3.0": ("mcp==2.3.0", "2.x"), "fastmcp": ("fastmcp==4.1.2", "fastmcp")}


def peer(name: str) -> Side:
    """One of `PEERS`, installed."""
    requirement, api = PEERS[name]
    home = ENVIRONMENTS / name
    python = home / "bin" / "python"
    if not python.exists():
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        subprocess.run(["uv", "venv", "-q", "--python", version, str(home)], check=True)
    if not (home / "installed").exists():
        subprocess.run(["uv", "pip", "install", "-q", "--python", str(python), requirement], check=True)
        (home / "installed").touch()
    return Side(name, str(python), api)


def with_uvloop(side: Side) -> Side:
    """The same package with uvloop and httptools beside it; uvicorn finds them by itself."""
    home = ENVIRONMENTS / "uvloop"
    if not (home / "installed").exists():
        command = ["uv", "pip", "install", "-q", "--python", side.python, "--target", str(home)]
        subprocess.run([*command, "uvloop==0.22.1", "httptools==0.7.1"], check=True)
        (home / "installed").touch()
    return Side(f"{side.name} with uvloop", side.python, side.api, side.prefix, {"PYTHONPATH": str(home)})
