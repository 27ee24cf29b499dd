"""What came back to the redirect URI, and whether it may be used (RFC 6749 section 4.1.2, RFC 9207)."""

import hmac
from urllib.parse import parse_qsl, urlsplit

from typing_extensions import Self

from mcp.client.auth.exceptions import OAuthFlowError


class AuthorizationResponse(tuple[str, str | None]):
    """The parameters of an authorization response; a callback handler may return this instead of `(code, state)`.

    It is that pair and carries what the pair leaves out, above all the issuer, by which a mix-up of authorization
    servers is noticed (basic/authorization, "Authorization Response Validation", 2026-07-28).

    Args:
        code: The authorization code, empty in an error response.
        state: The state given back.
        iss: The issuer parameter; None if the response had none.
        error: OAuth error code.
        error_description: The server's words for it.
    """

    iss: str | None
    error: str | None
    error_description: str | None

    def __new__(
        cls,
        code: str = "",
        state: str | None = None,
        *,
        iss: str | None = None,
        error: str | None = None,
        error_description: str | None = None,
    ) -> Self:
        self = super().__new__(cls, (code, state))
        self.iss = iss
        self.error = error
        self.error_description = error_description
        return self

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read the query of the URL that the browser was redirected to (its path and query are enough)."""
        query = dict(parse_qsl(urlsplit(url).query))
        return cls(
            query.get("code", ""),
            query.get("state"),
            iss=query.get("iss"),
            error=query.get("error"),
            error_description=query.get("error_description"),
        )


def accept_authorization_response(
    response: tuple[str | None, ...],
    *,
    state: str,
    issuer: str | None,
    issuer_promised: bool,
) -> str:
    """Return the authorization code of a response that may be used.

    Args:
        response: `(code, state)`, `(code, state, iss)`, or an `AuthorizationResponse`. A plain pair says nothing of the
            issuer, so nothing of it is checked.
        state: What was sent.
        issuer: The issuer recorded before the browser was opened, as its metadata spell it; None if unknown.
        issuer_promised: Whether the metadata say that every response names the issuer.

    Raises:
        OAuthFlowError: The response is not the answer to this request, comes from another issuer, is an error, or
            carries no code.
    """
    code, returned_state, *rest = response
    if returned_state is None or not hmac.compare_digest(returned_state.encode(), state.encode()):
        raise OAuthFlowError(f"State parameter mismatch: {returned_state} != {state}")
    error = description = None
    if isinstance(response, AuthorizationResponse):
        rest, error, description = [response.iss], response.error, response.error_description
    # Errors, too, are believed only if they come from the right issuer.
    if rest and issuer is not None and (issuer_promised if rest[0] is None else rest[0] != issuer):
        raise OAuthFlowError(f"Authorization response issuer mismatch: {rest[0]} != {issuer}")
    if error:
        text = f"{error}: {description}" if description else error
        raise OAuthFlowError(f"Authorization failed: {text}", error=error, error_description=description)
    if not code:
        raise OAuthFlowError("No authorization code received")
    return code
