"""The list of protocol revisions."""

from mcp.shared.version import SUPPORTED_PROTOCOL_VERSIONS
from mcp.types import DEFAULT_NEGOTIATED_VERSION, LATEST_PROTOCOL_VERSION


def test_supported_versions_in_order() -> None:
    """SES-53: the order is visible in HTTP error texts."""
    assert SUPPORTED_PROTOCOL_VERSIONS == ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]


def test_latest_and_assumed_versions_are_supported() -> None:
    """SES-53, TYP-1."""
    assert SUPPORTED_PROTOCOL_VERSIONS[-1] == LATEST_PROTOCOL_VERSION
    assert DEFAULT_NEGOTIATED_VERSION in SUPPORTED_PROTOCOL_VERSIONS
