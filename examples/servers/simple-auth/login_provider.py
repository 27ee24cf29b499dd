"""An authorization server with one user and a login page, everything in memory. For demonstration only."""

from __future__ import annotations

import hmac
import html
import secrets
import time
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    AuthorizeError,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

CODE_SECONDS = 300
TOKEN_SECONDS = 3600

PAGE = """<!doctype html>
<title>Log in</title>
<h1>Log in</h1>
<p>The application <b>{client}</b> asks for: {scopes}.</p>
<p>{message}</p>
<form method="post">
  <input type="hidden" name="ticket" value="{ticket}">
  <label>User <input name="user"></label>
  <label>Password <input name="password" type="password"></label>
  <button>Allow</button> <button name="deny" value="1">Deny</button>
</form>
"""


@dataclass
class Pending:
    """An authorization request that waits for the user."""

    client: OAuthClientInformationFull
    params: AuthorizationParams
    expires_at: float


class LoginProvider(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """Storage and decisions; the login page is served by `login`.

    Args:
        login_url: Where `login` is reachable.
        scope: What every client gets if it asks for nothing.
        user: The name of the only user.
        password: The password of the only user.
    """

    def __init__(self, login_url: str, scope: str, user: str = "demo", password: str = "demo") -> None:
        self._login_url = login_url
        self._scope = scope
        self._credentials = (user, password)
        self._clients: dict[str, OAuthClientInformationFull] = {}
        self._pending: dict[str, Pending] = {}
        self._codes: dict[str, AuthorizationCode] = {}
        self._access: dict[str, AccessToken] = {}
        self._refresh: dict[str, RefreshToken] = {}
        self._siblings: dict[str, str] = {}

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self._clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        assert client_info.client_id is not None
        self._clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        if not params.resource:
            # Tokens without an audience would be good anywhere.
            raise AuthorizeError("invalid_request", "The parameter `resource` is missing")
        ticket = secrets.token_urlsafe(32)
        self._pending[ticket] = Pending(client, params, time.time() + CODE_SECONDS)
        return construct_redirect_uri(self._login_url, ticket=ticket)

    async def login(self, request: Request) -> Response:
        """The login page: shows a form, and takes what the user entered."""
        fields: Any = await request.form() if request.method == "POST" else request.query_params
        ticket = str(fields.get("ticket", ""))
        pending = self._pending.get(ticket)
        if pending is None or pending.expires_at < time.time():
            return HTMLResponse("This request has expired. Please start again.", status_code=400)
        if request.method == "GET":
            return self._page(ticket, pending, "")
        redirect_uri, state = str(pending.params.redirect_uri), pending.params.state
        if fields.get("deny"):
            del self._pending[ticket]
            return RedirectResponse(construct_redirect_uri(redirect_uri, error="access_denied", state=state), 302)
        entered = (str(fields.get("user", "")), str(fields.get("password", "")))
        if not all(
            hmac.compare_digest(one.encode(), other.encode())
            for one, other in zip(entered, self._credentials, strict=True)
        ):
            return self._page(ticket, pending, "Wrong user or password.")
        del self._pending[ticket]
        code = self._new_code(pending)
        return RedirectResponse(construct_redirect_uri(redirect_uri, code=code.code, state=state), 302)

    def _page(self, ticket: str, pending: Pending, message: str) -> Response:
        shown = {
            "client": pending.client.client_name or pending.client.client_id or "",
            "scopes": " ".join(pending.params.scopes or [self._scope]),
            "message": message,
            "ticket": ticket,
        }
        page = PAGE.format(**{name: html.escape(value) for name, value in shown.items()})
        return HTMLResponse(page, headers={"Cache-Control": "no-store", "X-Frame-Options": "DENY"})

    def _new_code(self, pending: Pending) -> AuthorizationCode:
        params = pending.params
        code = AuthorizationCode(
            code=secrets.token_urlsafe(32),
            scopes=params.scopes or [self._scope],
            expires_at=time.time() + CODE_SECONDS,
            client_id=pending.client.client_id or "",
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject=self._credentials[0],
        )
        self._codes[code.code] = code
        return code

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self._codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        # A code is good once.
        del self._codes[authorization_code.code]
        return self._issue(authorization_code, authorization_code.scopes)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        return self._refresh.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        await self.revoke_token(refresh_token)
        return self._issue(refresh_token, scopes)

    def _issue(self, grant: AuthorizationCode | RefreshToken, scopes: list[str]) -> OAuthToken:
        access = AccessToken(
            token=secrets.token_urlsafe(32),
            client_id=grant.client_id,
            scopes=scopes,
            expires_at=int(time.time()) + TOKEN_SECONDS,
            resource=grant.resource,
            subject=grant.subject,
        )
        refresh = RefreshToken(
            token=secrets.token_urlsafe(32),
            client_id=grant.client_id,
            scopes=scopes,
            resource=grant.resource,
            subject=grant.subject,
        )
        self._access[access.token] = access
        self._refresh[refresh.token] = refresh
        self._siblings |= {access.token: refresh.token, refresh.token: access.token}
        return OAuthToken(
            access_token=access.token,
            refresh_token=refresh.token,
            expires_in=TOKEN_SECONDS,
            scope=" ".join(scopes),
        )

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self._access.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        for text in (token.token, self._siblings.pop(token.token, "")):
            self._access.pop(text, None)
            self._refresh.pop(text, None)
            self._siblings.pop(text, None)
