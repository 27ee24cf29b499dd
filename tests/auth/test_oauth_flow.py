"""The authorization-code flow against servers in memory (CL, PRD, ASD, BIND, DCR, SCOPE, AUTHZ, RSRC, REFR, STEP)."""

import base64
import hashlib
import logging
import time
from typing import Any

import anyio
import httpx
import pytest
from pydantic import AnyUrl

from mcp.client.auth import OAuthClientProvider, OAuthFlowError, OAuthRegistrationError, OAuthTokenError
from mcp.shared.auth import (
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)

pytestmark = pytest.mark.anyio

MCP = "POST https://mcp.example/mcp"
PRM = "GET https://mcp.example/.well-known/oauth-protected-resource/mcp"
PRM_ROOT = "GET https://mcp.example/.well-known/oauth-protected-resource"
ASM = "GET https://as.example/.well-known/oauth-authorization-server"
ASM_LEGACY = "GET https://mcp.example/.well-known/oauth-authorization-server"
REGISTER = "POST https://as.example/register"
TOKEN = "POST https://as.example/token"
REDIRECT = "http://localhost:3030/callback"


def registered(**fields: Any) -> OAuthClientInformationFull:
    return OAuthClientInformationFull.model_validate(
        {"client_id": "stored", "redirect_uris": [REDIRECT], "issuer": "https://as.example", **fields}
    )


def stored_tokens(**fields: Any) -> OAuthToken:
    return OAuthToken.model_validate(
        {"access_token": "token-old", "refresh_token": "refresh-old", "scope": "old", **fields}
    )


def make(world: Any, **changes: Any) -> OAuthClientProvider:
    return OAuthClientProvider(**world.arguments(**changes))


async def test_full_flow(world: Any) -> None:
    """CL-4 CL-15 CL-16 PRD-2 PRD-7 DCR-3 AUTHZ-1 AUTHZ-3 AUTHZ-6 RSRC-1 RSRC-3 BIND-1 BIND-4"""
    provider = make(world)
    world.token_answers = [{"access_token": "token-1", "expires_in": 3600, "refresh_token": "refresh-1"}]
    response = await world.call(provider)
    assert response.json() == {"ok": True}
    assert world.log == [MCP, PRM, ASM, REGISTER, TOKEN, MCP]
    assert "authorization" not in world.seen[0].headers
    assert world.seen[-1].headers["authorization"] == "Bearer token-1"
    assert {world.seen[n].headers["mcp-protocol-version"] for n in (1, 2)} == {"2025-11-25"}

    (opened,) = world.opened
    assert world.opened_url.startswith("https://as.example/authorize?")
    (form,) = world.forms()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
    assert len(base64.urlsafe_b64decode(opened["state"] + "=")) == 32
    assert opened == {
        "response_type": "code",
        "client_id": "registered",
        "redirect_uri": REDIRECT,
        "state": opened["state"],
        "code_challenge": challenge.decode(),
        "code_challenge_method": "S256",
        "resource": "https://mcp.example/mcp",
    }
    assert form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": REDIRECT,
        "client_id": "registered",
        "code_verifier": form["code_verifier"],
        "resource": "https://mcp.example/mcp",
    }
    context = provider.context
    assert context.storage.tokens.access_token == "token-1"
    assert context.storage.client_info.client_id == "registered"
    assert context.storage.client_info.issuer == "https://as.example/"
    assert context.token_expiry_time == pytest.approx(time.time() + 3600, abs=5)
    assert context.auth_server_url == "https://as.example/"


async def test_flow_driven_by_hand(world: Any) -> None:
    """CL-6: with responses that know no request, as tests and wrappers make them."""
    request = httpx.Request("POST", world.server_url)
    flow = make(world).async_auth_flow(request)
    assert await anext(flow) is request
    for answer in (
        httpx.Response(401),
        httpx.Response(200, json={"resource": world.server_url, "authorization_servers": [world.issuer]}),
        httpx.Response(200, json=world.metadata()),
        httpx.Response(201, json={"redirect_uris": None, "client_id": "by-hand"}),
        httpx.Response(200, json={"access_token": "token-by-hand"}),
    ):
        wanted = await flow.asend(answer)
    assert wanted is request
    assert request.headers["authorization"] == "Bearer token-by-hand"
    with pytest.raises(StopAsyncIteration):
        await flow.asend(httpx.Response(200))


async def test_valid_token_goes_out_at_once(world: Any, make_storage: Any) -> None:
    """CL-3 CL-10 CL-13"""
    storage = make_storage(stored_tokens(), registered())
    world.good_tokens.add("token-old")
    provider = make(world, storage=storage)
    for _ in range(3):
        assert (await world.call(provider)).status_code == 200
    assert world.log == [MCP] * 3
    assert {request.headers["authorization"] for request in world.seen} == {"Bearer token-old"}
    assert storage.reads == 1


async def test_storage_can_be_read_again(world: Any, make_storage: Any) -> None:
    """CL-3 CL-6: fastmcp sets `_initialized = False` and overrides `_initialize`."""
    calls: list[str] = []

    class Subclass(OAuthClientProvider):
        async def _initialize(self) -> None:
            calls.append("before")
            await super()._initialize()
            if self.context.current_tokens:
                self.context.update_token_expiry(self.context.current_tokens)

        async def async_auth_flow(self, request: httpx.Request) -> Any:
            flow = super().async_auth_flow(request)
            response: Any = None
            while True:
                try:
                    response = yield await flow.asend(response)
                except StopAsyncIteration:
                    return

    storage = make_storage(stored_tokens(expires_in=60), registered())
    provider = Subclass(**world.arguments(storage=storage))
    world.good_tokens |= {"token-old", "token-new"}
    await world.call(provider)
    assert provider.context.token_expiry_time is not None
    storage.tokens = OAuthToken(access_token="token-new")
    provider._initialized = False
    await world.call(provider)
    assert world.seen[-1].headers["authorization"] == "Bearer token-new"
    assert provider.context.token_expiry_time is None
    assert calls == ["before"] * 2


async def test_protocol_version_is_remembered(world: Any, make_storage: Any) -> None:
    """CL-11"""
    world.good_tokens.add("token-old")
    provider = make(world, storage=make_storage(stored_tokens()))
    await world.call(provider, "2025-06-18")
    assert provider.context.protocol_version == "2025-06-18"
    await world.call(provider, None)
    assert provider.context.protocol_version is None


@pytest.mark.parametrize("status", [200, 400, 403, 404, 500])
async def test_other_answers_are_returned(world: Any, make_storage: Any, status: int) -> None:
    """CL-15"""
    world.answers[MCP] = httpx.Response(status, headers={"www-authenticate": 'Bearer error="other"'})
    assert (await world.call(make(world, storage=make_storage(stored_tokens())))).status_code == status
    assert world.log == [MCP]


async def test_the_second_answer_counts_whatever_it_is(world: Any) -> None:
    """CL-16"""
    world.answers[MCP] = httpx.Response(401)
    assert (await world.call(make(world))).status_code == 401
    assert world.log == [MCP, PRM, ASM, REGISTER, TOKEN, MCP]


async def test_callback_timeout(world: Any) -> None:
    """CL-5"""
    world.callback = lambda query: anyio.sleep_forever()
    with anyio.fail_after(5), pytest.raises(OAuthFlowError, match=r"^No authorization response within 0.05 seconds$"):
        await world.call(make(world, timeout=0.05))
    assert TOKEN not in world.log


async def test_failures_are_logged_and_raised(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    """CL-7"""

    def fail(query: dict[str, str]) -> Any:
        raise ZeroDivisionError("from the handler")

    world.callback = fail
    with pytest.raises(ZeroDivisionError):
        await world.call(make(world))
    (record,) = [record for record in caplog.records if record.getMessage() == "OAuth flow error"]
    assert record.exc_info is not None
    assert record.name == "mcp.client.auth.oauth2"
    assert record.levelno == logging.ERROR
    assert issubclass(OAuthTokenError, OAuthFlowError)
    assert issubclass(OAuthRegistrationError, OAuthFlowError)


async def test_failed_flow_can_be_repeated(world: Any) -> None:
    """CL-7"""
    provider = make(world)
    world.callback = lambda query: ("", query["state"])
    with pytest.raises(OAuthFlowError):
        await world.call(provider)
    world.callback = lambda query: ("the-code", query["state"])
    assert (await world.call(provider)).status_code == 200
    assert world.log.count(REGISTER) == 1


# -- discovery


async def test_metadata_url_of_the_challenge_comes_first(world: Any) -> None:
    """PRD-1 WWW-1"""
    world.challenge = 'Bearer resource_metadata="https://mcp.example/custom"'
    world.answers["GET https://mcp.example/custom"] = world.answers.pop(PRM)
    await world.call(make(world))
    assert world.log[1:3] == ["GET https://mcp.example/custom", ASM]


async def test_untrustworthy_metadata_url_of_the_challenge_is_ignored(world: Any) -> None:
    """PRD-1"""
    world.challenge = 'Bearer resource_metadata="http://mcp.example/custom"'
    await world.call(make(world))
    assert world.log[1] == PRM


async def test_invalid_resource_metadata_are_passed_over(world: Any) -> None:
    """PRD-1 PRD-3"""
    world.answers[PRM_ROOT] = world.answers[PRM]
    world.answers[PRM] = {"resource": "nonsense"}
    await world.call(make(world))
    assert world.log[1:4] == [PRM, PRM_ROOT, ASM]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_trouble_with_resource_metadata(world: Any, make_storage: Any, status: int) -> None:
    """PRD-4"""
    storage = make_storage(stored_tokens(refresh_token=None), registered())
    world.answers[PRM] = httpx.Response(status)
    provider = make(world, storage=storage)
    with pytest.raises(OAuthFlowError, match=f"^Protected resource metadata request failed: HTTP {status}$"):
        await world.call(provider)
    assert provider.context.current_tokens is not None
    assert provider.context.client_info is not None


async def test_metadata_of_another_resource(world: Any) -> None:
    """PRD-5"""
    world.answers[PRM] = {"resource": "https://mcp.example/other", "authorization_servers": [world.issuer]}
    text = "^Protected resource https://mcp.example/other does not match expected https://mcp.example/mcp$"
    with pytest.raises(OAuthFlowError, match=text):
        await world.call(make(world))
    assert world.log == [MCP, PRM]


async def test_metadata_of_a_parent_resource(world: Any) -> None:
    """PRD-5 PRD-6 RSRC-3"""
    world.answers[PRM] = {"resource": "https://mcp.example:443/", "authorization_servers": [world.issuer]}
    await world.call(make(world))
    assert world.opened[0]["resource"] == "https://mcp.example:443/"


@pytest.mark.parametrize("published", ["https://mcp.example", "https://mcp.example/"])
async def test_resource_is_sent_as_published(world: Any, published: str) -> None:
    """RSRC-3"""
    world.answers[PRM]["resource"] = published
    await world.call(make(world))
    assert (world.opened[0]["resource"], world.forms()[0]["resource"]) == (published, published)


async def test_the_first_authorization_server_is_used(world: Any) -> None:
    """PRD-7"""
    world.answers[PRM]["authorization_servers"] = [world.issuer, "https://other.example"]
    await world.call(make(world))
    assert not [request for request in world.seen if request.url.host == "other.example"]


async def test_discovery_runs_on_every_401(world: Any) -> None:
    """PRD-8 DCR-1"""
    provider = make(world)
    await world.call(provider)
    world.good_tokens.clear()
    await world.call(provider)
    assert world.log == [MCP, PRM, ASM, REGISTER, TOKEN, MCP, MCP, PRM, ASM, TOKEN, MCP]


async def test_legacy_server(world: Any) -> None:
    """ASD-1 ASD-6 RSRC-1 RSRC-2 BIND-4: neither document exists, so everything is on the server's origin."""
    world.answers.pop(PRM)
    world.answers["POST https://mcp.example/register"] = world.serve_registration
    world.answers["POST https://mcp.example/token"] = world.serve_token
    provider = make(world)
    await world.call(provider, "2025-03-26")
    assert world.log == [
        MCP,
        PRM,
        PRM_ROOT,
        ASM_LEGACY,
        "POST https://mcp.example/register",
        "POST https://mcp.example/token",
        MCP,
    ]
    assert world.opened_url.startswith("https://mcp.example/authorize?")
    assert "resource" not in world.opened[0]
    assert "resource" not in world.forms("https://mcp.example/token")[0]
    assert provider.context.client_info is not None
    assert provider.context.client_info.issuer is None


@pytest.mark.parametrize(("version", "sent"), [("2025-06-18", True), (None, False)])
async def test_resource_without_metadata_depends_on_the_version(world: Any, version: str | None, sent: bool) -> None:
    """RSRC-1 RSRC-2"""
    world.answers.pop(PRM)
    world.answers[ASM_LEGACY] = world.metadata("https://mcp.example", registration_endpoint=None)
    world.answers["POST https://mcp.example/register"] = world.serve_registration
    world.answers["POST https://mcp.example/token"] = world.serve_token
    provider = make(world)
    await world.call(provider, version)
    assert ("resource" in world.opened[0]) == sent
    # BIND-4: the fallback is on the issuer's own origin
    assert provider.context.client_info is not None
    assert provider.context.client_info.issuer == "https://mcp.example/"


async def test_issuer_with_path_is_found_at_the_third_place(world: Any) -> None:
    """ASD-2 ASD-3 ASD-4"""
    issuer = "https://as.example/t1"
    world.answers[PRM]["authorization_servers"] = [issuer]
    world.answers["GET https://as.example/.well-known/oauth-authorization-server/t1"] = {"issuer": "incomplete"}
    world.answers["GET https://as.example/t1/.well-known/openid-configuration"] = world.metadata(issuer)
    world.answers["POST https://as.example/t1/register"] = world.serve_registration
    world.answers["POST https://as.example/t1/token"] = world.serve_token
    assert (await world.call(make(world))).status_code == 200
    assert world.log[2:5] == [
        "GET https://as.example/.well-known/oauth-authorization-server/t1",
        "GET https://as.example/.well-known/openid-configuration/t1",
        "GET https://as.example/t1/.well-known/openid-configuration",
    ]


async def test_without_server_metadata_the_servers_origin_is_used(world: Any) -> None:
    """ASD-6 ASD-7"""
    world.answers.pop(ASM)
    world.answers["POST https://mcp.example/register"] = world.serve_registration
    world.answers["POST https://mcp.example/token"] = world.serve_token
    assert (await world.call(make(world))).status_code == 200
    assert world.opened_url.startswith("https://mcp.example/authorize?")


@pytest.mark.parametrize("status", [500, 503])
async def test_after_a_server_error_nothing_is_guessed(world: Any, status: int) -> None:
    """ASD-4 ASD-7"""
    world.answers[ASM] = httpx.Response(status)
    text = f"^Authorization server metadata request failed: HTTP {status}$"
    with pytest.raises(OAuthFlowError, match=text):
        await world.call(make(world))
    assert world.log == [MCP, PRM, ASM]


async def test_metadata_without_pkce(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    """ASD-8 R26-149"""
    world.answers[ASM].pop("code_challenge_methods_supported")
    assert (await world.call(make(world))).status_code == 200
    assert "do not promise PKCE" in caplog.text
    with pytest.raises(OAuthFlowError, match="PKCE"):
        await world.call(make(world, strict=True))


async def test_authorization_server_without_https(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Warned about, and refused if strict."""
    world.answers[PRM]["authorization_servers"] = ["http://as.example"]
    world.answers["GET http://as.example/.well-known/oauth-authorization-server"] = world.metadata(
        "http://as.example", token_endpoint="https://as.example/token", registration_endpoint=REGISTER[5:]
    )
    assert (await world.call(make(world))).status_code == 200
    assert "does not use HTTPS" in caplog.text
    with pytest.raises(OAuthFlowError, match="does not use HTTPS"):
        await world.call(make(world, strict=True))


# -- credentials and registration


async def test_credentials_of_another_server_are_dropped(world: Any, make_storage: Any) -> None:
    """BIND-2 R26-153"""
    storage = make_storage(stored_tokens(), registered(issuer="https://former.example", client_secret="s3cret"))
    provider = make(world, storage=storage)
    assert (await world.call(provider)).status_code == 200
    assert world.log == [MCP, PRM, ASM, REGISTER, TOKEN, MCP]
    assert world.secrets_sent_to("as.example") == ["the-code", "code_verifier"]
    assert storage.client_info.issuer == "https://as.example/"


@pytest.mark.parametrize("issuer", [None, "https://as.example", "https://as.example/"])
async def test_stored_credentials_are_used(world: Any, make_storage: Any, issuer: str | None) -> None:
    """BIND-3 DCR-1 DCR-6"""
    await world.call(make(world, storage=make_storage(client_info=registered(issuer=issuer))))
    assert REGISTER not in world.log
    assert world.opened[0]["client_id"] == "stored"


async def test_client_id_metadata_document(world: Any) -> None:
    """DCR-2 BIND-3"""
    world.answers[ASM]["client_id_metadata_document_supported"] = True
    url = "https://client.example/metadata.json"
    provider = make(world, client_metadata_url=url)
    await world.call(provider)
    assert REGISTER not in world.log
    assert (world.opened[0]["client_id"], world.forms()[0]["client_id"]) == (url, url)
    assert provider.context.storage.client_info.token_endpoint_auth_method == "none"


async def test_client_id_metadata_document_without_support(world: Any) -> None:
    """DCR-2 DCR-3"""
    await world.call(make(world, client_metadata_url="https://client.example/metadata.json"))
    assert REGISTER in world.log


async def test_refused_registration(world: Any) -> None:
    """DCR-4 R26-152"""
    world.answers[REGISTER] = httpx.Response(400, json={"error": "invalid_redirect_uri"})
    with pytest.raises(OAuthRegistrationError, match=r"^Registration failed: 400 ") as caught:
        await world.call(make(world))
    assert caught.value.error == "invalid_redirect_uri"


async def test_expired_secret_is_replaced(world: Any, make_storage: Any) -> None:
    """DCR-8"""
    past = registered(client_secret="s3cret", client_secret_expires_at=int(time.time()) - 1)
    storage = make_storage(stored_tokens(), past)
    await world.call(make(world, storage=storage))
    assert world.log == [MCP, PRM, ASM, REGISTER, TOKEN, MCP]
    never = registered(client_secret="s3cret", client_secret_expires_at=0)
    await world.call(make(world, storage=make_storage(client_info=never)))
    assert world.log.count(REGISTER) == 1


# -- scope


async def test_scope_order(world: Any) -> None:
    """SCOPE-1 SCOPE-2 SCOPE-3: challenge, resource, server, configuration, none."""
    metadata = OAuthClientMetadata(redirect_uris=[AnyUrl(REDIRECT)], scope="configured")
    world.answers[ASM]["scopes_supported"] = ["server"]
    world.answers[PRM]["scopes_supported"] = ["resource", "more"]
    world.challenge = 'Bearer scope="challenged"'
    asked: list[str | None] = []
    for remove in (None, "challenge", "resource", "server"):
        if remove == "challenge":
            world.challenge = "Bearer"
        if remove == "resource":
            world.answers[PRM].pop("scopes_supported")
        if remove == "server":
            world.answers[ASM].pop("scopes_supported")
        provider = make(world, client_metadata=metadata)
        await world.call(provider)
        asked.append(world.opened[-1].get("scope"))
        assert provider.context.client_metadata.scope == asked[-1]
    assert asked == ["challenged", "resource more", "server", "configured"]
    assert metadata.scope == "configured"
    await world.call(make(world))
    assert "scope" not in world.opened[-1]


async def test_configured_scope_survives_earlier_selections(world: Any) -> None:
    """SCOPE-2"""
    metadata = OAuthClientMetadata(redirect_uris=[AnyUrl(REDIRECT)], scope="configured")
    provider = make(world, client_metadata=metadata)
    world.challenge = 'Bearer scope="challenged"'
    await world.call(provider)
    world.good_tokens.clear()
    world.challenge = "Bearer"
    await world.call(provider)
    assert [opened["scope"] for opened in world.opened] == ["challenged", "configured"]


async def test_registered_scope_is_the_selected_one(world: Any) -> None:
    """DCR-3 SCOPE-1"""
    world.challenge = 'Bearer scope="a b"'
    provider = make(world)
    await world.call(provider)
    assert provider.context.storage.client_info.scope == "a b"


async def test_empty_scope_is_not_sent(world: Any) -> None:
    """SCOPE-4"""
    world.challenge = 'Bearer scope=""'
    await world.call(make(world))
    assert "scope" not in world.opened[0]


# -- authorization and token request


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"client_metadata": OAuthClientMetadata(redirect_uris=None)}, "No redirect URIs provided"),
        ({"redirect_handler": None, "callback_handler": None}, "No redirect handler provided"),
        ({"callback_handler": None}, "No callback handler provided"),
    ],
)
async def test_missing_inputs(world: Any, changes: dict[str, Any], text: str) -> None:
    """AUTHZ-4"""
    with pytest.raises(OAuthFlowError, match=f"^{text} for authorization code grant$"):
        await world.call(make(world, **changes))


async def test_hooks_without_client(world: Any) -> None:
    """AUTHZ-4 CL-6 REFR-6"""
    provider = make(world)
    with pytest.raises(OAuthFlowError, match=r"^No client info available for authorization$"):
        await provider._perform_authorization()
    with pytest.raises(OAuthFlowError, match=r"^Missing client info$"):
        await provider._exchange_token_authorization_code("code", "verifier")
    with pytest.raises(OAuthTokenError, match=r"^No refresh token available$"):
        await provider._refresh_token()
    provider.context.current_tokens = stored_tokens()
    with pytest.raises(OAuthTokenError, match=r"^No client info available$"):
        await provider._refresh_token()
    provider.context.client_metadata = OAuthClientMetadata(redirect_uris=None)
    with pytest.raises(OAuthFlowError, match=r"^No redirect URIs provided"):
        await provider._exchange_token_authorization_code("code", "verifier")


async def test_token_request_hook(world: Any) -> None:
    """AUTHZ-6 AUTHZ-7 CL-6"""
    provider = make(world)
    provider.context.client_info = registered(client_secret="s", token_endpoint_auth_method="client_secret_post")
    request = await provider._exchange_token_authorization_code("c", "v", token_data={"extra": "1", "code": "x"})
    assert str(request.url) == "https://mcp.example/token"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert dict(httpx.QueryParams(request.content.decode())) == {
        "grant_type": "authorization_code",
        "code": "c",
        "code_verifier": "v",
        "redirect_uri": REDIRECT,
        "client_id": "stored",
        "client_secret": "s",
        "extra": "1",
    }


async def test_metadata_hook(world: Any) -> None:
    """CL-6"""
    provider = make(world)
    await provider._handle_oauth_metadata_response(httpx.Response(200, json=world.metadata()))
    assert provider.context.oauth_metadata == OAuthMetadata.model_validate(world.metadata())
    request = httpx.Request("GET", "https://mcp.example/mcp")
    provider._add_auth_header(request)
    assert "authorization" not in request.headers
    provider.context.current_tokens = stored_tokens()
    provider._add_auth_header(request)
    assert request.headers["authorization"] == "Bearer token-old"


async def test_token_and_resource_hooks(world: Any) -> None:
    """CL-6: the other hooks, and the state that programs read."""
    provider = make(world)
    context = provider.context
    assert (context.server_url, context.protocol_version, context.auth_server_url) == (world.server_url, None, None)
    assert (context.client_info, context.current_tokens, context.token_expiry_time) == (None, None, None)
    assert (context.protected_resource_metadata, context.oauth_metadata) == (None, None)
    async with context.lock:
        pass
    assert provider._initialized is False
    await provider._handle_token_response(httpx.Response(200, json={"access_token": "t", "expires_in": 60}))
    assert context.current_tokens == context.storage.tokens == OAuthToken(access_token="t", expires_in=60)
    assert context.token_expiry_time == pytest.approx(time.time() + 60, abs=5)
    with pytest.raises(OAuthTokenError, match=r"^Token exchange failed \(400\): no$"):
        await provider._handle_token_response(httpx.Response(400, text="no"))
    prm = {"resource": world.server_url, "authorization_servers": [world.issuer]}
    await provider._validate_resource_match(ProtectedResourceMetadata.model_validate(prm))
    other = ProtectedResourceMetadata.model_validate({**prm, "resource": "https://other.example/"})
    with pytest.raises(OAuthFlowError, match=r"^Protected resource https://other.example/ does not match expected "):
        await provider._validate_resource_match(other)


@pytest.mark.parametrize(
    ("method", "header", "secret"),
    [
        ("client_secret_basic", True, False),
        ("client_secret_post", False, True),
        ("none", False, False),
        (None, True, False),
    ],
)
async def test_client_authentication(
    world: Any, make_storage: Any, method: str | None, header: bool, secret: bool
) -> None:
    """AUTHZ-7 AUTHZ-8"""
    client = registered(client_secret="s3cret", token_endpoint_auth_method=method)
    await world.call(make(world, storage=make_storage(client_info=client)))
    (request,) = [request for request in world.seen if request.url.path == "/token"]
    assert (request.headers.get("authorization") == "Basic c3RvcmVkOnMzY3JldA==") == header
    assert ("client_secret" in world.forms()[0]) == secret
    assert world.forms()[0]["client_id"] == "stored"


async def test_authorization_endpoint_with_query(world: Any) -> None:
    """AUTHZ-2"""
    world.answers[ASM]["authorization_endpoint"] = "https://as.example/authorize?tenant=1"
    await world.call(make(world))
    assert world.opened_url.count("?") == 1
    assert world.opened[0]["tenant"] == "1"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (httpx.Response(400, text='{"error":"invalid_grant"}'), r'Token exchange failed \(400\): {"error":"invalid_gr'),
        (httpx.Response(201, json={"access_token": "t"}), r"Token exchange failed \(201\): "),
        (
            httpx.Response(307, headers={"location": "https://evil.example/token?x=1"}),
            r"Token exchange failed \(307\) \(redirected to https://evil.example/token; not followed\): $",
        ),
        (httpx.Response(200, text="nonsense"), "Invalid token response: "),
        (httpx.Response(200, json={"access_token": "t", "token_type": "mac"}), "Invalid token response: "),
        (httpx.Response(200, text='{"access_token": "' + "x" * 2_000_000), "Invalid token response: "),
    ],
)
async def test_failed_token_request(world: Any, answer: httpx.Response, text: str) -> None:
    """AUTHZ-9 AUTHZ-10 CL-17"""
    world.token_answers = [answer]
    with pytest.raises(OAuthTokenError, match=f"^{text}") as caught:
        await world.call(make(world))
    assert caught.value.error == ("invalid_grant" if answer.status_code == 400 else None)
    assert not world.secrets_sent_to("evil.example")


async def test_redirects_within_the_origin_are_followed(world: Any) -> None:
    """CL-17"""
    world.answers[TOKEN] = httpx.Response(307, headers={"location": "/token/"})
    world.answers[TOKEN + "/"] = world.serve_token
    assert (await world.call(make(world))).status_code == 200
    assert world.forms("https://as.example/token/") == world.forms()


async def test_narrower_scope_is_accepted(world: Any) -> None:
    """AUTHZ-11"""
    world.challenge = 'Bearer scope="a b"'
    world.token_answers = [{"scope": "a"}]
    provider = make(world)
    assert (await world.call(provider)).status_code == 200
    assert provider.context.current_tokens is not None
    assert provider.context.current_tokens.scope == "a"


# -- refresh


async def expired(world: Any, make_storage: Any, **changes: Any) -> OAuthClientProvider:
    """A provider whose token is known to have expired."""
    provider = make(world, storage=make_storage(stored_tokens(), registered()), **changes)
    await provider._initialize()
    provider.context.token_expiry_time = time.time() - 1
    return provider


async def test_expired_token_is_refreshed_first(world: Any, make_storage: Any) -> None:
    """CL-12 REFR-1 REFR-2 REFR-3 REFR-4"""
    provider = await expired(world, make_storage)
    world.token_answers = [{"access_token": "token-new", "expires_in": 60}]
    assert (await world.call(provider)).status_code == 200
    assert world.log == [PRM, ASM, TOKEN, MCP]
    assert world.forms() == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "refresh-old",
            "client_id": "stored",
            "resource": "https://mcp.example/mcp",
        }
    ]
    tokens = provider.context.storage.tokens
    assert (tokens.access_token, tokens.refresh_token, tokens.scope) == ("token-new", "refresh-old", "old")
    assert provider.context.is_token_valid()


async def test_refresh_with_held_metadata(world: Any, make_storage: Any) -> None:
    """REFR-1 REFR-3"""
    provider = await expired(world, make_storage)
    provider.context.oauth_metadata = OAuthMetadata.model_validate(world.metadata())
    world.token_answers = [{"refresh_token": "refresh-new", "scope": "new"}]
    await world.call(provider)
    assert world.log == [TOKEN, MCP]
    tokens = provider.context.storage.tokens
    assert (tokens.refresh_token, tokens.scope) == ("refresh-new", "new")


async def test_refresh_at_a_legacy_server(world: Any, make_storage: Any) -> None:
    """REFR-1 ASD-6"""
    world.answers.pop(PRM)
    world.answers["POST https://mcp.example/token"] = world.serve_token
    provider = await expired(world, make_storage)
    assert provider.context.client_info is not None
    provider.context.client_info.issuer = None
    await world.call(provider)
    assert world.log == [PRM, PRM_ROOT, ASM_LEGACY, "POST https://mcp.example/token", MCP]


async def test_refresh_response_hook(world: Any) -> None:
    """REFR-3 CL-6"""
    provider = make(world)
    assert await provider._handle_refresh_response(httpx.Response(200, json={"access_token": "t"})) is True
    assert provider.context.storage.tokens == OAuthToken(access_token="t")
    assert await provider._handle_refresh_response(httpx.Response(400)) is False
    assert provider.context.current_tokens is None


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(400, json={"error": "invalid_grant"}), httpx.Response(500), httpx.Response(200, text="nonsense")],
)
async def test_failed_refresh(
    world: Any, make_storage: Any, answer: httpx.Response, caplog: pytest.LogCaptureFixture
) -> None:
    """REFR-5"""
    provider = await expired(world, make_storage)
    world.token_answers = [answer]
    world.answers[MCP] = httpx.Response(200)
    reads = provider.context.storage.reads
    await world.call(provider)
    assert world.log == [PRM, ASM, TOKEN, MCP]
    assert "authorization" not in world.seen[-1].headers
    assert provider.context.current_tokens is None
    if answer.status_code != 200:
        assert f"Token refresh failed: {answer.status_code}" in caplog.text
    provider.context.storage.tokens = stored_tokens(access_token="token-of-another-process")
    await world.call(provider)
    assert provider.context.storage.reads == reads + 1
    assert world.seen[-1].headers["authorization"] == "Bearer token-of-another-process"


async def test_failed_refresh_then_full_flow(world: Any, make_storage: Any) -> None:
    """REFR-5 CL-14: one refresh, then the user."""
    provider = await expired(world, make_storage)
    world.token_answers = [httpx.Response(400), {"access_token": "token-new"}]
    assert (await world.call(provider)).status_code == 200
    assert world.log == [PRM, ASM, TOKEN, MCP, PRM, ASM, TOKEN, MCP]
    assert [form["grant_type"] for form in world.forms()] == ["refresh_token", "authorization_code"]


async def test_stored_token_that_is_refused_is_refreshed(world: Any, make_storage: Any) -> None:
    """CL-14"""
    provider = make(world, storage=make_storage(stored_tokens(), registered()))
    assert (await world.call(provider)).status_code == 200
    assert world.log == [MCP, PRM, ASM, TOKEN, MCP]
    assert not world.opened


async def test_refused_refresh_of_a_stored_token_starts_the_full_flow(world: Any, make_storage: Any) -> None:
    """CL-14: in the same breath, with the discovery that was made."""
    provider = make(world, storage=make_storage(stored_tokens(), registered()))
    world.token_answers = [httpx.Response(400)]
    assert (await world.call(provider)).status_code == 200
    assert world.log == [MCP, PRM, ASM, TOKEN, TOKEN, MCP]
    assert len(world.opened) == 1
    # What was obtained last is not replaced by a look into the storage.
    assert (await world.call(provider)).status_code == 200
    assert provider.context.storage.reads == 1


async def test_refreshed_token_that_is_refused_starts_the_full_flow(world: Any, make_storage: Any) -> None:
    """CL-14 CL-16"""
    provider = make(world, storage=make_storage(stored_tokens(), registered()))
    answers = [{"access_token": "token-useless"}, {"access_token": "token-good"}]

    def serve_token(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=answers.pop(0))

    world.answers[TOKEN] = serve_token
    world.good_tokens.add("token-good")
    assert (await world.call(provider)).status_code == 200
    assert world.log == [MCP, PRM, ASM, TOKEN, MCP, PRM, ASM, TOKEN, MCP]
    assert [form["grant_type"] for form in world.forms()] == ["refresh_token", "authorization_code"]


async def test_a_refresh_token_stays_with_its_issuer(world: Any, make_storage: Any) -> None:
    """BIND-2: also where the client id is good anywhere."""
    world.answers[ASM]["client_id_metadata_document_supported"] = True
    provider = make(world, client_metadata_url="https://client.example/metadata.json")
    world.token_answers = [{"access_token": "token-1", "refresh_token": "refresh-1"}]
    await world.call(provider)
    world.good_tokens.clear()
    world.answers[PRM]["authorization_servers"] = ["https://evil.example"]
    world.answers["GET https://evil.example/.well-known/oauth-authorization-server"] = world.metadata(
        "https://evil.example"
    )
    with pytest.raises(OAuthTokenError):
        await world.call(provider)
    assert world.secrets_sent_to("evil.example") == ["the-code", "code_verifier"]


# -- step-up


async def stepping(world: Any, **changes: Any) -> OAuthClientProvider:
    """A provider with a token that is good for little."""
    provider = make(world, **changes)
    world.challenge = 'Bearer scope="read"'
    world.token_answers = [{"access_token": "token-small"}]
    await world.call(provider)
    world.good_tokens.clear()
    world.refusal = 403
    world.challenge = 'Bearer error="insufficient_scope", scope="write"'
    world.seen.clear()
    return provider


async def test_step_up(world: Any) -> None:
    """STEP-1 CL-15 R26-155: beyond STEP-2, what this provider has asked for before is asked for again."""
    provider = await stepping(world)
    assert (await world.call(provider)).status_code == 200
    assert world.log == [MCP, TOKEN, MCP]
    assert world.opened[-1]["scope"] == "read write"


async def test_step_up_of_a_token_from_elsewhere(world: Any, make_storage: Any) -> None:
    """STEP-1 STEP-2: without metadata discovery comes first, and only the challenged scopes are asked for."""
    provider = make(world, storage=make_storage(stored_tokens(), registered()))
    world.refusal = 403
    world.challenge = 'Bearer error="insufficient_scope", scope="admin:write admin:delete"'
    assert (await world.call(provider)).status_code == 200
    assert world.log == [MCP, PRM, ASM, TOKEN, MCP]
    assert world.forms()[0]["grant_type"] == "authorization_code"
    assert world.opened[-1]["scope"] == "admin:write admin:delete"
    assert provider.context.client_metadata.scope == "admin:write admin:delete"


async def test_one_step_up_per_request_and_three_in_a_row(world: Any) -> None:
    """STEP-3 R26-155"""
    provider = await stepping(world)
    world.answers[MCP] = httpx.Response(403, headers={"www-authenticate": world.challenge})
    for flows in (1, 2, 3, 3):
        assert (await world.call(provider)).status_code == 403
        assert world.log.count(TOKEN) == flows
    del world.answers[MCP]
    world.answers[MCP] = httpx.Response(403, headers={"www-authenticate": world.challenge.replace("write", "other")})
    await world.call(provider)
    assert world.log.count(TOKEN) == 4


async def test_success_forgives_failed_step_ups(world: Any) -> None:
    """R26-155"""
    provider = await stepping(world)
    refuse = httpx.Response(403, headers={"www-authenticate": world.challenge})
    for good in (False, False, True, False, False):
        world.answers[MCP] = world.serve_mcp if good else refuse
        world.good_tokens.clear()
        await world.call(provider)
    assert world.log.count(TOKEN) == 5


# -- strict


async def test_strict_provider_sends_the_token_to_its_server_only(world: Any, make_storage: Any) -> None:
    """R26-160"""
    world.answers["GET https://other.example/"] = {"ok": True}
    for strict in (False, True):
        provider = make(world, storage=make_storage(stored_tokens(), registered()), strict=strict)
        async with world.http(provider) as http:
            await http.get("https://other.example/")
    assert ["authorization" in request.headers for request in world.seen] == [True, False]


async def test_strict_provider_wants_the_promised_issuer(world: Any) -> None:
    """R26-144"""
    world.answers[ASM]["authorization_response_iss_parameter_supported"] = True
    with pytest.raises(OAuthFlowError, match="says nothing of the issuer"):
        await world.call(make(world, strict=True))
    assert TOKEN not in world.log
    world.callback = lambda query: world.rich(query, iss="https://as.example")
    assert (await world.call(make(world, strict=True))).status_code == 200
