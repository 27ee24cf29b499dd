"""Revisions of the protocol that the package speaks.

Source: specification 2025-11-25, page "Lifecycle", section "Version Negotiation".
"""

from mcp.types import LATEST_PROTOCOL_VERSION

SUPPORTED_PROTOCOL_VERSIONS = ["2024-11-05", "2025-03-26", "2025-06-18", LATEST_PROTOCOL_VERSION]
"""Every revision accepted in `initialize` and in the HTTP header `MCP-Protocol-Version`, oldest first."""
