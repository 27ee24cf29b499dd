"""An MCP server that is its own authorization server, as the 2025-03-26 revision had it; one process for everything.

    uv run python examples/servers/simple-auth/legacy_server.py --port 8002

Log in as demo / demo. The login page is a custom route beside the MCP endpoint.
"""

from __future__ import annotations

import argparse

from login_provider import LoginProvider
from pydantic import AnyHttpUrl
from starlette.requests import Request
from starlette.responses import Response

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.fastmcp import FastMCP

SCOPE = "user"


def create_server(port: int) -> FastMCP:
    base_url = f"http://127.0.0.1:{port}"
    provider = LoginProvider(f"{base_url}/login", SCOPE)
    mcp = FastMCP(
        "Protected",
        host="127.0.0.1",
        port=port,
        auth_server_provider=provider,
        auth=AuthSettings(
            issuer_url=AnyHttpUrl(base_url),
            required_scopes=[SCOPE],
            resource_server_url=AnyHttpUrl(f"{base_url}/mcp"),
            validate_token_resource=True,
            client_registration_options=ClientRegistrationOptions(
                enabled=True, valid_scopes=[SCOPE], default_scopes=[SCOPE]
            ),
            revocation_options=RevocationOptions(enabled=True),
        ),
    )

    @mcp.custom_route("/login", methods=["GET", "POST"])
    async def login(request: Request) -> Response:
        return await provider.login(request)

    @mcp.tool()
    def whoami() -> str:
        """The user whose token was sent."""
        token = get_access_token()
        assert token is not None
        return token.subject or "nobody"

    return mcp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8002)
    create_server(parser.parse_args().port).run("streamable-http")


if __name__ == "__main__":
    main()
