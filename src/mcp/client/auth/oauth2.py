"""The authorization-code flow with PKCE as an httpx authentication class.

Specification: basic/authorization (2025-11-25), and of 2026-07-28 what does not contradict it: the issuer check of
RFC 9207, the union of scopes on step-up, and `application_type`.
"""

import copy
import json
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import anyio
import httpx

from mcp.client.auth import _decisions
from mcp.client.auth._authorization_response import AuthorizationResponse, accept_authorization_response
from mcp.client.auth._context import OAuthContext, PKCEParameters, TokenStorage
from mcp.client.auth._decisions import Answer, Progress, Step
from mcp.client.auth._discovery import ResourceDiscovery, ServerDiscovery
from mcp.client.auth._single_flight import SingleFlight
from mcp.client.auth.exceptions import OAuthFlowError, OAuthTokenError
from mcp.client.auth.utils import (
    build_oauth_authorization_server_metadata_discovery_urls,
    build_protected_resource_metadata_discovery_urls,
    create_client_info_from_metadata_url,
    create_client_registration_request,
    create_oauth_metadata_request,
    credentials_match_issuer,
    extract_field_from_www_auth,
    extract_resource_metadata_from_www_auth,
    extract_scope_from_www_auth,
    get_client_metadata_scopes,
    handle_auth_metadata_response,
    handle_protected_resource_response,
    handle_registration_response,
    handle_token_response_scopes,
    is_valid_client_metadata_url,
    issuers_match,
    should_use_client_metadata_url,
    validate_metadata_issuer,
)
from mcp.shared._httpx_utils import RedirectAwareAuth, limit_body, redirect_note
from mcp.shared.auth import (
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)
from mcp.shared.auth_utils import check_resource_allowed, resource_url_from_server_url, url_origin

__all__ = [
    "AuthorizationResponse",
    "OAuthClientMetadata",
    "OAuthClientProvider",
    "OAuthContext",
    "PKCEParameters",
    "TokenStorage",
]

logger = logging.getLogger(__name__)

_MAX_STEP_UPS = 3


class OAuthClientProvider(RedirectAwareAuth):
    """Authenticates the requests of an `httpx.AsyncClient` to one MCP server.

    Requests with a valid token are sent at once and side by side. An expired token is refreshed first; a 401 starts
    discovery, then a refresh or the full flow in the browser; a 403 that asks for more scope starts the flow for it.
    Only one request at a time obtains a token, the others wait for its outcome and share it. Then the request is sent
    once more, and that answer counts.

    Args:
        server_url: URL of the MCP server.
        client_metadata: What the client registers as. Its `scope` is asked for if neither challenge nor metadata name
            one. It is never changed.
        storage: Keeps tokens and credentials.
        redirect_handler: Awaited with the URL to open in a browser.
        callback_handler: Awaited for the outcome: code and state, best as an `AuthorizationResponse`, which lets the
            issuer be checked.
        timeout: Seconds to wait for `callback_handler`.
        client_metadata_url: https URL of the client's own metadata document, used as client id where the server
            supports that.
        strict: Refuse what older servers leave out: metadata without PKCE support in them, and a callback that says
            nothing of the issuer although the server promised one. Send tokens to the server's origin only.

    Raises:
        ValueError: `client_metadata_url` is not an https URL with a path.
        OAuthFlowError: Out of the request, when the flow fails.

    Specification: basic/authorization (2025-11-25).
    """

    requires_response_body = True

    def __init__(
        self,
        server_url: str,
        client_metadata: OAuthClientMetadata,
        storage: TokenStorage,
        redirect_handler: Callable[[str], Awaitable[None]] | None = None,
        callback_handler: Callable[[], Awaitable[tuple[str, str | None]]] | None = None,
        timeout: float = 300.0,
        client_metadata_url: str | None = None,
        *,
        strict: bool = False,
    ) -> None:
        if client_metadata_url is not None and not is_valid_client_metadata_url(client_metadata_url):
            raise ValueError(
                f"client_metadata_url must be a valid HTTPS URL with a non-root pathname, got: {client_metadata_url}"
            )
        self.context = OAuthContext(
            server_url=server_url,
            client_metadata=client_metadata,
            storage=storage,
            redirect_handler=redirect_handler,
            callback_handler=callback_handler,
            timeout=timeout,
            client_metadata_url=client_metadata_url,
        )
        self._initialized = False
        self._strict = strict
        self._flights = SingleFlight()
        self._issuer_text: str | None = None
        self._token_issuer: str | None = None
        self._configured_scope: str | None = None
        self._scoped_metadata: OAuthClientMetadata | None = None
        self._requested_scope: str | None = None
        self._failed_step_ups: dict[str | None, int] = {}

    # -- storage

    async def _initialize(self) -> None:
        """Load tokens and client from the storage."""
        context = self.context
        held = context.current_tokens
        tokens = await context.storage.get_tokens()
        client_info = await self._load_client_info()
        if context.current_tokens is held:  # else another request obtained newer ones meanwhile
            if tokens is not None and (held is None or held.access_token != tokens.access_token):
                context.token_expiry_time = None
                self._token_issuer = None
            context.current_tokens = tokens
            context.client_info = client_info
        self._initialized = True

    async def _load_client_info(self) -> OAuthClientInformationFull | None:
        return await self.context.storage.get_client_info()

    async def _store_tokens(self, tokens: OAuthToken) -> None:
        self.context.current_tokens = tokens
        self.context.update_token_expiry(tokens)
        self._token_issuer = self._expected_issuer()
        await self.context.storage.set_tokens(tokens)

    # -- the flow

    async def _auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        context = self.context
        if self._strict and url_origin(str(request.url)) != url_origin(context.server_url):
            yield request
            return
        if not self._initialized:
            async with context.lock:
                if not self._initialized:
                    await self._initialize()
        if self._flights.current is None:
            context.protocol_version = request.headers.get("mcp-protocol-version")
        progress = Progress()
        response: httpx.Response | None = None
        sent_token: str | None = None
        while True:
            step = _decisions.next_step(
                progress, token_valid=context.is_token_valid(), can_refresh=context.can_refresh_token()
            )
            if step is Step.FINISH:
                return
            if step is Step.SEND:
                if context.is_token_valid() or progress.authorized or progress.refreshed or progress.shared:
                    self._add_auth_header(request)
                sent_token = context.current_tokens.access_token if context.current_tokens else None
                response = yield request
                progress.answer = self._read_answer(response, progress)
            elif response is not None and not progress.shared and self._holds_newer_token(sent_token):
                progress.shared, progress.answer = True, None
            elif self._flights.current is not None:
                await self._share_flight(step, progress)
            else:
                with self._flights.lead():
                    async with aclosing(self._obtain_token(step, response, progress)) as exchange:
                        try:
                            wanted = await anext(exchange)
                            while True:
                                wanted = await exchange.asend((yield wanted))
                        except StopAsyncIteration:
                            pass
                progress.answer = None

    async def _share_flight(self, step: Step, progress: Progress) -> None:
        """Wait for the request that is obtaining a token, and take part in its success or failure."""
        flight = self._flights.current
        assert flight is not None
        await flight.wait()
        if flight.error is not None:
            raise _another(flight.error) from flight.error
        if flight.outcome == "done":
            if step is Step.REFRESH:
                progress.refreshed = True
            elif not progress.shared:
                progress.shared, progress.answer = True, None

    def _holds_newer_token(self, sent_token: str | None) -> bool:
        held = self.context.current_tokens
        return held is not None and held.access_token != sent_token and self.context.is_token_valid()

    def _read_answer(self, response: httpx.Response, progress: Progress) -> Answer:
        """Classify an answer; a step-up that keeps failing is given up."""
        answer = _decisions.classify(response.status_code, extract_field_from_www_auth(response, "error"))
        if answer is Answer.ACCEPTED:
            if progress.authorized:
                self._failed_step_ups.clear()
            return answer
        # httpx reads this body before it sends the next request.
        limit_body(response)
        if answer is Answer.INSUFFICIENT_SCOPE:
            scope = extract_scope_from_www_auth(response)
            failures = self._failed_step_ups.get(scope, 0)
            if progress.authorized:
                self._failed_step_ups[scope] = failures + 1
            elif failures >= _MAX_STEP_UPS:
                logger.warning("Still not enough scope after %d authorizations for %r", failures, scope)
                return Answer.ACCEPTED
        return answer

    async def _obtain_token(
        self, step: Step, response: httpx.Response | None, progress: Progress
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Yield the requests that lead to a token: discovery, refresh, registration, token request."""
        context = self.context
        try:
            if step is Step.AUTHORIZE or context.oauth_metadata is None:
                resource = ResourceDiscovery(self._resource_metadata_urls(response))
                while (url := resource.next_url()) is not None:
                    reply = yield create_oauth_metadata_request(url)
                    resource.feed(reply.status_code, await handle_protected_resource_response(reply))
                    if resource.found is not None:
                        context.published_resource = json.loads(await reply.aread())["resource"]
                await self._adopt_resource_metadata(resource.found)
                server = ServerDiscovery(self._server_metadata_urls())
                while (url := server.next_url()) is not None:
                    reply = yield create_oauth_metadata_request(url)
                    go_on, metadata = await handle_auth_metadata_response(reply)
                    server.feed(reply.status_code, go_on, metadata)
                    if metadata is not None:
                        await self._adopt_server_metadata(reply, metadata)
            self._check_configured_issuer()

            if step is not Step.STEP_UP and not progress.refreshed and self._may_refresh():
                progress.refreshed = True
                reply = yield await self._refresh_token()
                if await self._handle_refresh_response(reply):
                    return
                # What the storage holds may be newer: another process may share it.
                self._initialized = False
            if step is Step.REFRESH:
                progress.refreshed = True
                return

            assert response is not None
            self._select_scope(extract_scope_from_www_auth(response), step)
            if context.client_info is None or _decisions.secret_expired(context.client_info, time.time()):
                if context.client_metadata_url and should_use_client_metadata_url(
                    context.oauth_metadata, context.client_metadata_url
                ):
                    context.client_info = create_client_info_from_metadata_url(
                        context.client_metadata_url, redirect_uris=context.client_metadata.redirect_uris
                    )
                else:
                    base_url = context.get_authorization_base_url(context.server_url)
                    reply = yield create_client_registration_request(
                        context.oauth_metadata, context.client_metadata, base_url
                    )
                    client_info = await handle_registration_response(reply)
                    client_info.issuer = _decisions.registration_issuer(context.oauth_metadata, base_url)
                    context.client_info = client_info
                await context.storage.set_client_info(context.client_info)
            reply = yield await self._perform_authorization()
            await self._handle_token_response(reply)
            self._initialized = True
            progress.authorized = True
        except Exception:
            logger.exception("OAuth flow error")
            raise

    # -- discovery

    def _resource_metadata_urls(self, response: httpx.Response | None) -> list[str]:
        named = None if response is None else extract_resource_metadata_from_www_auth(response)
        if named and not _decisions.is_no_downgrade(named, self.context.server_url):
            logger.warning("Ignoring resource_metadata %r: not a URL that could be trusted", named)
            named = None
        return build_protected_resource_metadata_discovery_urls(named, self.context.server_url)

    async def _adopt_resource_metadata(self, metadata: ProtectedResourceMetadata | None) -> None:
        """Take what was discovered; credentials and tokens of another authorization server are dropped."""
        context = self.context
        if metadata is not None:
            await self._validate_resource_match(metadata)
            selected = self._select_authorization_server([str(url) for url in metadata.authorization_servers])
            self._check_downgrade(selected)
        else:
            selected = None
        context.auth_server_url = selected
        context.protected_resource_metadata = metadata
        expected = self._expected_issuer()
        if context.client_info is not None and not credentials_match_issuer(
            context.client_info, expected, context.client_metadata_url
        ):
            logger.warning("Stored credentials belong to another authorization server than %s; dropped", expected)
            context.client_info = None
            context.oauth_metadata = None
            context.clear_tokens()
        if context.oauth_metadata is not None and not issuers_match(str(context.oauth_metadata.issuer), expected):
            context.oauth_metadata = None

    def _check_downgrade(self, issuer: str) -> None:
        if _decisions.is_no_downgrade(issuer, self.context.server_url):
            return
        if self._strict:
            raise OAuthFlowError(f"Authorization server {issuer} does not use HTTPS")
        logger.warning("Authorization server %s does not use HTTPS; going on", issuer)

    def _server_metadata_urls(self) -> list[str]:
        return build_oauth_authorization_server_metadata_discovery_urls(
            self.context.auth_server_url, self.context.server_url
        )

    async def _adopt_server_metadata(self, response: httpx.Response, metadata: OAuthMetadata) -> None:
        validate_metadata_issuer(metadata, self._expected_issuer())
        _decisions.check_endpoints(metadata)
        if not _decisions.supports_s256(metadata):
            if self._strict:
                raise OAuthFlowError("Authorization server metadata do not promise PKCE with S256")
            logger.warning("Metadata of %s do not promise PKCE with S256; going on", metadata.issuer)
        await self._handle_oauth_metadata_response(response)

    async def _handle_oauth_metadata_response(self, response: httpx.Response) -> None:
        """Take authorization server metadata out of a response."""
        body = await response.aread()
        self.context.oauth_metadata = OAuthMetadata.model_validate_json(body)
        # The very text: an issuer in an authorization response is compared without any normalization.
        self._issuer_text = json.loads(body)["issuer"]

    async def _validate_resource_match(self, prm: ProtectedResourceMetadata) -> None:
        """Check that metadata are those of this server (RFC 9728 section 3.3)."""
        expected, resource = resource_url_from_server_url(self.context.server_url), str(prm.resource)
        if not check_resource_allowed(requested_resource=expected, configured_resource=resource):
            raise OAuthFlowError(f"Protected resource {resource} does not match expected {expected}")

    def _select_authorization_server(self, advertised: list[str]) -> str:
        """Return which of the authorization servers of the resource to use."""
        return advertised[0]

    def _expected_issuer(self) -> str:
        """Return the issuer to deal with: the one the resource named, else the server's origin."""
        return self.context.auth_server_url or url_origin(self.context.server_url) + "/"

    def _check_configured_issuer(self) -> None:
        """Check what was discovered against configuration; for subclasses."""

    # -- scope

    def _select_scope(self, challenged: str | None, step: Step) -> None:
        context = self.context
        if context.client_metadata is not self._scoped_metadata:
            self._configured_scope = context.client_metadata.scope
        scope = get_client_metadata_scopes(challenged, context.protected_resource_metadata, context.oauth_metadata)
        if scope is None:
            scope = self._configured_scope
        if step is Step.STEP_UP:
            scope = _decisions.merge_scopes(self._requested_scope, scope)
        self._requested_scope = scope
        context.client_metadata = self._scoped_metadata = context.client_metadata.model_copy(update={"scope": scope})

    # -- authorization

    async def _perform_authorization(self) -> httpx.Request:
        """Get the user's consent and return the token request."""
        code, verifier = await self._perform_authorization_code_grant()
        return await self._exchange_token_authorization_code(code, verifier)

    async def _perform_authorization_code_grant(self) -> tuple[str, str]:
        """Send the user to the authorization endpoint; return the code and the PKCE verifier."""
        context = self.context
        redirect_uris = context.client_metadata.redirect_uris
        if not redirect_uris:
            raise OAuthFlowError("No redirect URIs provided for authorization code grant")
        if context.redirect_handler is None:
            raise OAuthFlowError("No redirect handler provided for authorization code grant")
        if context.callback_handler is None:
            raise OAuthFlowError("No callback handler provided for authorization code grant")
        if context.client_info is None:
            raise OAuthFlowError("No client info available for authorization")

        metadata = context.oauth_metadata
        issuer = self._recorded_issuer()
        promised = metadata is not None and metadata.authorization_response_iss_parameter_supported is True
        endpoint = (
            context.get_authorization_base_url(context.server_url) + "/authorize"
            if metadata is None
            else str(metadata.authorization_endpoint)
        )
        pkce = PKCEParameters.generate()
        state = secrets.token_urlsafe(32)
        parameters = {
            "response_type": "code",
            "client_id": context.client_info.client_id or "",
            "redirect_uri": str(redirect_uris[0]),
            "state": state,
            "code_challenge": pkce.code_challenge,
            "code_challenge_method": "S256",
            **self._resource_parameter(),
            **self._scope_parameter(),
        }
        await context.redirect_handler(_decisions.authorization_url(endpoint, parameters))
        returned: tuple[str, str | None] | None = None
        with anyio.move_on_after(context.timeout):
            returned = await context.callback_handler()
        if returned is None:
            raise OAuthFlowError(f"No authorization response within {context.timeout} seconds")
        if self._strict and promised and len(returned) == 2 and not isinstance(returned, AuthorizationResponse):
            raise OAuthFlowError("The callback handler says nothing of the issuer that the server promised to name")
        code = accept_authorization_response(returned, state=state, issuer=issuer, issuer_promised=promised)
        return code, pkce.code_verifier

    def _recorded_issuer(self) -> str | None:
        metadata = self.context.oauth_metadata
        if metadata is None:
            return None
        issuer = str(metadata.issuer)
        return self._issuer_text if self._issuer_text and issuers_match(self._issuer_text, issuer) else issuer

    async def _exchange_token_authorization_code(
        self, auth_code: str, code_verifier: str, *, token_data: dict[str, Any] | None = None
    ) -> httpx.Request:
        """Return the token request for a code; `token_data` is added to its form."""
        context = self.context
        if not context.client_metadata.redirect_uris:
            raise OAuthFlowError("No redirect URIs provided for authorization code grant")
        if context.client_info is None:
            raise OAuthFlowError("Missing client info")
        form = {
            **(token_data or {}),
            "grant_type": "authorization_code",
            "code": auth_code,
            "redirect_uri": str(context.client_metadata.redirect_uris[0]),
            "client_id": context.client_info.client_id or "",
            "code_verifier": code_verifier,
            **self._resource_parameter(),
        }
        return self._token_request(form)

    def _get_token_endpoint(self) -> str:
        metadata = self.context.oauth_metadata
        if metadata is not None:
            return str(metadata.token_endpoint)
        return self.context.get_authorization_base_url(self.context.server_url) + "/token"

    def _token_request(self, form: dict[str, Any]) -> httpx.Request:
        """Return a token request with the client's authentication."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        form, headers = self.context.prepare_token_auth(form, headers)
        return httpx.Request("POST", self._get_token_endpoint(), data=form, headers=headers)

    def _resource_parameter(self) -> dict[str, str]:
        context = self.context
        included = context.should_include_resource_param(context.protocol_version)
        return {"resource": context.get_resource_url()} if included else {}

    def _scope_parameter(self) -> dict[str, str]:
        scope = self.context.client_metadata.scope
        return {"scope": scope} if scope else {}

    async def _handle_token_response(self, response: httpx.Response) -> None:
        """Take and store the tokens of a token response."""
        if response.status_code != 200:
            body = await response.aread()
            raise OAuthTokenError(
                f"Token exchange failed ({response.status_code}){redirect_note(response)}: {response.text}",
                **_decisions.oauth_error(body),
            )
        await self._store_tokens(await handle_token_response_scopes(response))

    # -- refresh

    def _may_refresh(self) -> bool:
        """Tell whether the held refresh token can be used, and at the authorization server that was discovered."""
        context = self.context
        if not context.can_refresh_token():
            return False
        if self._token_issuer is not None and not issuers_match(self._token_issuer, self._expected_issuer()):
            context.clear_tokens()
            return False
        return context.client_info is not None and not _decisions.secret_expired(context.client_info, time.time())

    async def _refresh_token(self) -> httpx.Request:
        """Return the refresh request."""
        return self._token_request(await self._refresh_form())

    async def _refresh_form(self) -> dict[str, Any]:
        context = self.context
        if context.current_tokens is None or not context.current_tokens.refresh_token:
            raise OAuthTokenError("No refresh token available")
        if context.client_info is None or not context.client_info.client_id:
            raise OAuthTokenError("No client info available")
        return {
            "grant_type": "refresh_token",
            "refresh_token": context.current_tokens.refresh_token,
            "client_id": context.client_info.client_id,
            **self._resource_parameter(),
        }

    async def _handle_refresh_response(self, response: httpx.Response) -> bool:
        """Take and store refreshed tokens; if there are none, forget the old ones and return False."""
        context = self.context
        if response.status_code != 200:
            logger.warning("Token refresh failed: %s%s", response.status_code, redirect_note(response))
            context.clear_tokens()
            return False
        try:
            tokens = await handle_token_response_scopes(response)
        except OAuthTokenError:
            logger.exception("Invalid refresh response")
            context.clear_tokens()
            return False
        if context.current_tokens is not None:
            # What the server leaves out stays as it was (RFC 6749 sections 5.1 and 6).
            kept = {
                name: getattr(context.current_tokens, name)
                for name in ("refresh_token", "scope")
                if getattr(tokens, name) is None
            }
            tokens = tokens.model_copy(update=kept)
        await self._store_tokens(tokens)
        return True

    def _add_auth_header(self, request: httpx.Request) -> None:
        """Put the token on a request."""
        tokens = self.context.current_tokens
        if tokens is not None and tokens.access_token:
            request.headers["Authorization"] = f"Bearer {tokens.access_token}"


def _another(error: Exception) -> Exception:
    # Each waiting request raises an exception of its own: they carry tracebacks.
    try:
        return copy.copy(error)
    except Exception:
        return OAuthFlowError(str(error))
