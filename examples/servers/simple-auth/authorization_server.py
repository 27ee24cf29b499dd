"""A separate authorization server: OAuth endpoints, a login page, and token introspection (RFC 7662).

    uv run python examples/servers/simple-auth/authorization_server.py --port 9000

Log in as demo / demo. Introspection is open to everybody who reaches it: fine on the local host only.
"""

from __future__ import annotations

import argparse
import time

import uvicorn
from login_provider import LoginProvider
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions

SCOPE = "user"


def create_app(base_url: str) -> Starlette:
    provider = LoginProvider(f"{base_url}/login", SCOPE)

    async def introspect(request: Request) -> Response:
        token = await provider.load_access_token(str((await request.form()).get("token", "")))
        if token is None or (token.expires_at is not None and token.expires_at < time.time()):
            return JSONResponse({"active": False})
        return JSONResponse(
            {
                "active": True,
                "client_id": token.client_id,
                "scope": " ".join(token.scopes),
                "exp": token.expires_at,
                "sub": token.subject,
                "aud": token.resource,
                "iss": base_url,
            }
        )

    return Starlette(
        routes=[
            *create_auth_routes(
                provider,
                AnyHttpUrl(base_url),
                client_registration_options=ClientRegistrationOptions(
                    enabled=True, valid_scopes=[SCOPE], default_scopes=[SCOPE]
                ),
                revocation_options=RevocationOptions(enabled=True),
            ),
            Route("/login", provider.login, methods=["GET", "POST"]),
            Route("/introspect", introspect, methods=["POST"]),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9000)
    port = parser.parse_args().port
    uvicorn.run(create_app(f"http://127.0.0.1:{port}"), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
