"""Clients of this folder as commands; `pyproject.toml` names them."""

import runpy
from pathlib import Path


def run(name: str) -> None:
    runpy.run_path(str(Path(__file__).parent / f"{name}.py"), run_name="__main__")


def stdio_client() -> None:
    run("stdio_client")


def completion_client() -> None:
    run("completion_client")


def display_utilities() -> None:
    run("display_utilities")


def elicitation_client() -> None:
    run("elicitation_client")


def oauth_client() -> None:
    run("oauth_client")
