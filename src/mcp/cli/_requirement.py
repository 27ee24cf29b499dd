"""How to install this very distribution again: what `mcp dev` and `mcp install` hand to `uv run`.

Source: PEP 610 and the specification "Recording the Direct URL Origin of installed distributions", PEP 440 and
PEP 508 for the forms of a requirement.
"""

import json
from importlib import metadata
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

DISTRIBUTION = "mcp"
EXTRA = "cli"


class Requirement(NamedTuple):
    """Something for `uv run` to install.

    Attributes:
        text: a requirement (PEP 508), or a path with extras if editable.
        editable: whether to install it in editable mode.
    """

    text: str
    editable: bool = False

    @property
    def uv_options(self) -> list[str]:
        """The options of `uv run`."""
        return ["--with-editable" if self.editable else "--with", self.text]


def own_requirement() -> Requirement:
    """The requirement that installs the distribution this process runs on; any version if it is not installed."""
    try:
        distribution = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return Requirement(f"{DISTRIBUTION}[{EXTRA}]")
    return requirement_of(distribution.version, _read_direct_url(distribution))


def _read_direct_url(distribution: metadata.Distribution) -> dict[str, Any] | None:
    try:
        value = json.loads(distribution.read_text("direct_url.json") or "null")
    except ValueError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def requirement_of(version: str, direct_url: dict[str, Any] | None) -> Requirement:
    """Derive the requirement from how a distribution was installed.

    Args:
        version: its version.
        direct_url: content of its `direct_url.json`; None if it came from a package index.
    """
    named = f"{DISTRIBUTION}[{EXTRA}]"
    url = direct_url.get("url") if direct_url else None
    if not direct_url or not isinstance(url, str):
        return Requirement(f"{named}=={version}")
    subdirectory = direct_url.get("subdirectory")
    if "dir_info" in direct_url:
        if direct_url["dir_info"].get("editable") and (path := _path_of(url)):
            folder = f"{path}/{subdirectory}" if subdirectory else path
            return Requirement(f"{folder}[{EXTRA}]", editable=True)
        return Requirement(f"{named} @ {_with_fragment(url, subdirectory)}")
    if "vcs_info" in direct_url:
        vcs = direct_url["vcs_info"]
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
        return Requirement(f"{named} @ {_with_fragment(url, subdirectory)}")
    return Requirement(f"{named} @ {_with_fragment(url, subdirectory, _hash_of(direct_url.get('archive_info')))}")


def _path_of(url: str) -> str | None:
    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    return url2pathname(f"//{parts.netloc}{parts.path}" if parts.netloc else parts.path)


def _hash_of(archive: dict[str, Any] | None) -> str | None:
    """The digest of an archive as a URL fragment: `sha256=…`."""
    hashes: dict[str, str] = (archive or {}).get("hashes") or {}
    if "sha256" in hashes:
        return f"sha256={hashes['sha256']}"
    return (archive or {}).get("hash")


def _with_fragment(url: str, subdirectory: str | None, digest: str | None = None) -> str:
    fragment = "&".join(([f"subdirectory={subdirectory}"] if subdirectory else []) + ([digest] if digest else []))
    return f"{url}#{fragment}" if fragment else url
