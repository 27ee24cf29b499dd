"""Who sends an HTTP request, as far as a session has to know: the credential that opened it must come again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Principal(NamedTuple):
    """The owner of a session; members are None where unknown."""

    client_id: str
    issuer: str | None
    subject: str | None


def principal_of(scope: Mapping[str, Any]) -> Principal | None:
    """The authenticated sender of a request; None for an anonymous one (TSV-52)."""
    user = scope.get("user")
    if user is None:
        return None
    from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, authorization_context

    return Principal(**authorization_context(user)) if isinstance(user, AuthenticatedUser) else None
