"""An MCP server that accepts the tokens of a separate authorization server.

    uv run python examples/servers/simple-auth/resource_server.py --port 8001 --auth-server http://127.0.0.1:9000

It asks the authorization server about each token (RFC 7662) and takes only those issued for itself.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timezone

import httpx
from pydantic import AnyHttpUrl

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.fastmcp import FastMCP

SCOPE = "user"


class IntrospectionVerifier(TokenVerifier):
    """Asks the authorization server."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._http: httpx.AsyncClient | None = None

    async def verify_token(self, token: str) -> AccessToken | None:
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=10)
        response = await self._http.post(self._endpoint, data={"token": token})
        response.raise_for_status()
        answer = response.json()
        if not answer["active"]:
            return None
        return AccessToken(
            token=token,
            client_id=answer["client_id"],
            scopes=answer["scope"].split(),
            expires_at=answer["exp"],
            resource=answer["aud"],
            subject=answer["sub"],
            claims={"iss": answer["iss"]},
        )


def create_server(port: int, auth_server: str) -> FastMCP:
    mcp = FastMCP(
        "Protected",
        host="127.0.0.1",
        port=port,
        token_verifier=IntrospectionVerifier(f"{auth_server}/introspect"),
        auth=AuthSettings(
            issuer_url=AnyHttpUrl(auth_server),
            required_scopes=[SCOPE],
            resource_server_url=AnyHttpUrl(f"http://127.0.0.1:{port}/mcp"),
            validate_token_resource=True,
        ),
    )

    @mcp.tool()
    def get_time() -> str:
        """The present time, in UTC."""
        return datetime.now(timezone.utc).isoformat()

    @mcp.tool()
    def whoami() -> str:
        """The user whose token was sent."""
        token = get_access_token()
        assert token is not None
        return token.subject or "nobody"

    return mcp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--auth-server", default="http://127.0.0.1:9000")
    arguments = parser.parse_args()
    create_server(arguments.port, arguments.auth_server).run("streamable-http")


if __name__ == "__main__":
    main()
