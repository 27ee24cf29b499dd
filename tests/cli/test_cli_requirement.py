"""How this distribution was installed, as what `uv run` installs."""

import json
import os
from importlib import metadata
from typing import Any

import pytest

from mcp.cli import _requirement
from mcp.cli._requirement import Requirement, own_requirement, requirement_of


@pytest.mark.parametrize(
    ("direct_url", "expected"),
    [
        (None, Requirement("mcp[cli]==1.2")),
        ({}, Requirement("mcp[cli]==1.2")),
        ({"url": 3}, Requirement("mcp[cli]==1.2")),
        (
            {"url": "file:///src/my%20mcp", "dir_info": {"editable": True}},
            Requirement("/src/my mcp[cli]", editable=True),
        ),
        (
            {"url": "file:///src/mono", "dir_info": {"editable": True}, "subdirectory": "py"},
            Requirement("/src/mono/py[cli]", editable=True),
        ),
        ({"url": "file:///src/my%20mcp", "dir_info": {}}, Requirement("mcp[cli] @ file:///src/my%20mcp")),
        (
            {"url": "file:///src/mono", "dir_info": {"editable": False}, "subdirectory": "py"},
            Requirement("mcp[cli] @ file:///src/mono#subdirectory=py"),
        ),
        (
            {"url": "ssh://host/src", "dir_info": {"editable": True}},
            Requirement("mcp[cli] @ ssh://host/src"),
        ),
        (
            {"url": "https://host/m.git", "vcs_info": {"vcs": "git", "commit_id": "abc", "requested_revision": "main"}},
            Requirement("mcp[cli] @ git+https://host/m.git@abc"),
        ),
        (
            {"url": "https://host/m", "vcs_info": {"vcs": "hg", "commit_id": "abc"}, "subdirectory": "py"},
            Requirement("mcp[cli] @ hg+https://host/m@abc#subdirectory=py"),
        ),
        (
            {"url": "https://host/m.whl", "archive_info": {}},
            Requirement("mcp[cli] @ https://host/m.whl"),
        ),
        (
            {"url": "file:///dist/m.whl", "archive_info": {"hash": "sha256=11"}},
            Requirement("mcp[cli] @ file:///dist/m.whl#sha256=11"),
        ),
        (
            {
                "url": "https://host/m.tgz",
                "archive_info": {"hash": "md5=22", "hashes": {"sha256": "11", "md5": "22"}},
                "subdirectory": "py",
            },
            Requirement("mcp[cli] @ https://host/m.tgz#subdirectory=py&sha256=11"),
        ),
    ],
)
def test_the_requirement_follows_from_the_direct_url(
    direct_url: dict[str, Any] | None, expected: Requirement, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DEV-1, INS-5: PEP 610"""
    assert requirement_of("1.2", direct_url) == expected


def test_the_options_of_uv() -> None:
    """DEV-1, INS-5"""
    assert Requirement("mcp[cli]==1.2").uv_options == ["--with", "mcp[cli]==1.2"]
    assert Requirement("/src[cli]", editable=True).uv_options == ["--with-editable", "/src[cli]"]


@pytest.mark.skipif(os.name != "nt", reason="drives are a thing of Windows")
def test_a_path_on_windows() -> None:  # pragma: no cover
    assert requirement_of("1", {"url": "file:///C:/src", "dir_info": {"editable": True}}).text == "C:\\src[cli]"


class Fake(metadata.Distribution):
    """A distribution with a version and a `direct_url.json`."""

    def __init__(self, direct_url: str | None) -> None:
        self._files = {"METADATA": "Metadata-Version: 2.1\nName: mcp\nVersion: 3.4\n", "direct_url.json": direct_url}

    def read_text(self, filename: str) -> str | None:
        return self._files.get(filename)

    def locate_file(self, path: Any) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "mcp[cli]==3.4"),
        ("no JSON", "mcp[cli]==3.4"),
        ("[]", "mcp[cli]==3.4"),
        (json.dumps({"url": "https://host/m.whl", "archive_info": {}}), "mcp[cli] @ https://host/m.whl"),
    ],
)
def test_the_running_distribution_is_looked_up(
    text: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DEV-1, INS-5"""
    monkeypatch.setattr(_requirement.metadata, "distribution", lambda name: Fake(text))
    assert own_requirement().text == expected


def test_a_package_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(_requirement.metadata, "distribution", missing)
    assert own_requirement() == Requirement("mcp[cli]")
