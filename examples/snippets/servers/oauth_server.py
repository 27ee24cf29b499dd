"""A protected server: it checks tokens that an authorization server issued.

    uv run python examples/snippets/servers/oauth_server.py

A complete pair of authorization server and protected server is in `examples/servers/simple-auth`.
"""

from pydantic import AnyHttpUrl

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.fastmcp import FastMCP

RESOURCE = "http://127.0.0.1:8000/mcp"
TOKENS = {
    "secret": AccessToken(token="secret", client_id="demo", scopes=["user"], subject="Ada", resource=RESOURCE),
}


class SimpleTokenVerifier(TokenVerifier):
    """Looks tokens up in a table. A real one checks a signature, or asks the authorization server."""

    async def verify_token(self, token: str) -> AccessToken | None:
        return TOKENS.get(token)


mcp = FastMCP(
    "Weather Service",
    token_verifier=SimpleTokenVerifier(),
    auth=AuthSettings(
        issuer_url=AnyHttpUrl("https://auth.example.com"),
        resource_server_url=AnyHttpUrl(RESOURCE),
        required_scopes=["user"],
        validate_token_resource=True,
    ),
)


@mcp.tool()
def whoami() -> str:
    """Who is calling."""
    token = get_access_token()
    return (token and token.subject) or "nobody"


if __name__ == "__main__":
    mcp.run(transport="streamable-http")
