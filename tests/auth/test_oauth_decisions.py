"""What the client decides, as tables (PRD, ASD, BIND, DCR, SCOPE, AUTHZ, RSRC and others)."""

import base64
import hashlib
import json
import re
import time
from typing import Any

import httpx
import pytest
from pydantic import AnyUrl, ValidationError

from mcp.client.auth import (
    AuthorizationResponse,
    OAuthFlowError,
    OAuthRegistrationError,
    OAuthTokenError,
    oauth2,
    utils,
)
from mcp.client.auth import _decisions as decisions
from mcp.client.auth._authorization_response import accept_authorization_response
from mcp.client.auth._decisions import Answer, Progress, Step
from mcp.client.auth._discovery import ResourceDiscovery, ServerDiscovery
from mcp.client.auth.oauth2 import OAuthClientProvider, OAuthContext, PKCEParameters
from mcp.shared.auth import (
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)

pytestmark = pytest.mark.anyio

SERVER = "https://mcp.example/mcp"


def metadata(issuer: str = "https://as.example", **changes: Any) -> OAuthMetadata:
    base = issuer.rstrip("/")
    return OAuthMetadata.model_validate(
        {"issuer": issuer, "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token", **changes}
    )


def resource(**changes: Any) -> ProtectedResourceMetadata:
    return ProtectedResourceMetadata.model_validate(
        {"resource": SERVER, "authorization_servers": ["https://as.example"], **changes}
    )


def client(**fields: Any) -> OAuthClientInformationFull:
    return OAuthClientInformationFull.model_validate({"redirect_uris": None, "client_id": "c", **fields})


# -- the next step

NEW = Progress()
U, S, A = Answer.UNAUTHORIZED, Answer.INSUFFICIENT_SCOPE, Answer.ACCEPTED


@pytest.mark.parametrize(
    ("progress", "valid", "refresh", "step"),
    [
        # before the request was sent (CL-12, CL-13)
        (Progress(), True, True, Step.SEND),
        (Progress(), False, False, Step.SEND),
        (Progress(), False, True, Step.REFRESH),
        (Progress(refreshed=True), False, True, Step.SEND),
        (Progress(authorized=True), False, True, Step.SEND),
        (Progress(shared=True), False, True, Step.SEND),
        # afterwards (CL-15, CL-16, STEP-3)
        (Progress(answer=A), True, True, Step.FINISH),
        (Progress(answer=U), True, True, Step.AUTHORIZE),
        (Progress(answer=U, refreshed=True), True, True, Step.AUTHORIZE),
        (Progress(answer=U, authorized=True), True, True, Step.FINISH),
        (Progress(answer=U, shared=True), True, True, Step.FINISH),
        (Progress(answer=S), True, True, Step.STEP_UP),
        (Progress(answer=S, shared=True), True, True, Step.STEP_UP),
        (Progress(answer=S, authorized=True), True, True, Step.FINISH),
    ],
)
def test_next_step(progress: Progress, valid: bool, refresh: bool, step: Step) -> None:
    """CL-12 CL-13 CL-15 CL-16 STEP-3"""
    assert decisions.next_step(progress, token_valid=valid, can_refresh=refresh) is step


@pytest.mark.parametrize(
    ("status", "error", "answer"),
    [
        (200, None, A),
        (401, None, U),
        (401, "insufficient_scope", U),
        (403, "insufficient_scope", S),
        (403, "invalid_token", A),
        (403, None, A),
        (404, "insufficient_scope", A),
        (500, None, A),
    ],
)
def test_classification(status: int, error: str | None, answer: Answer) -> None:
    """CL-15"""
    assert decisions.classify(status, error) is answer


# -- protected resource metadata


@pytest.mark.parametrize(
    ("named", "server", "urls"),
    [
        (None, "https://a", ["https://a/.well-known/oauth-protected-resource"]),
        (None, "https://a/", ["https://a/.well-known/oauth-protected-resource"]),
        (
            None,
            "https://a:1/mcp?x=1",
            [
                "https://a:1/.well-known/oauth-protected-resource/mcp",
                "https://a:1/.well-known/oauth-protected-resource",
            ],
        ),
        (
            "https://b/prm",
            "https://a/mcp/",
            [
                "https://b/prm",
                "https://a/.well-known/oauth-protected-resource/mcp/",
                "https://a/.well-known/oauth-protected-resource",
            ],
        ),
        ("", "https://a", ["https://a/.well-known/oauth-protected-resource"]),
    ],
)
def test_resource_discovery_urls(named: str | None, server: str, urls: list[str]) -> None:
    """PRD-1 R26-148"""
    assert utils.build_protected_resource_metadata_discovery_urls(named, server) == urls


def run_resource_discovery(*answers: int | ProtectedResourceMetadata) -> ProtectedResourceMetadata | None:
    discovery = ResourceDiscovery([f"https://a/{n}" for n in range(len(answers))])
    asked = 0
    while discovery.next_url() is not None:
        answer = answers[asked]
        asked += 1
        discovery.feed(answer if isinstance(answer, int) else 200, None if isinstance(answer, int) else answer)
    return discovery.found


def test_resource_discovery_takes_the_first_valid_document() -> None:
    """PRD-3"""
    assert run_resource_discovery(404, 200, resource()) == resource()
    assert run_resource_discovery(503, resource()) == resource()
    assert run_resource_discovery(resource(), 503) == resource()
    assert run_resource_discovery(404, 401, 302, 200) is None


@pytest.mark.parametrize(("answers", "named"), [((503, 404), 503), ((404, 429), 429), ((500, 502), 502)])
def test_resource_discovery_reports_trouble(answers: tuple[int, ...], named: int) -> None:
    """PRD-4"""
    with pytest.raises(OAuthFlowError, match=f"^Protected resource metadata request failed: HTTP {named}$"):
        run_resource_discovery(*answers)


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (200, resource().model_dump_json(), True),
        (200, b"nonsense", False),
        (200, b'{"resource": "https://r"}', False),
        (404, resource().model_dump_json(), False),
        (302, b"", False),
    ],
)
async def test_resource_metadata_response(status: int, body: Any, found: bool) -> None:
    """PRD-3"""
    answer = httpx.Response(status, content=body, request=httpx.Request("GET", "https://a/x"))
    assert (await utils.handle_protected_resource_response(answer) is not None) == found


async def test_metadata_request_names_the_version() -> None:
    """PRD-2"""
    request = utils.create_oauth_metadata_request("https://a/x")
    assert (request.method, str(request.url)) == ("GET", "https://a/x")
    assert request.headers["mcp-protocol-version"] == "2025-11-25"


@pytest.mark.parametrize(
    ("named", "server", "usable"),
    [
        ("https://b/x", "https://a", True),
        ("http://b/x", "http://a", True),
        ("http://localhost:1/x", "https://a", True),
        ("http://b/x", "https://a", False),
        ("http://127.0.0.1.evil.com/x", "https://a", False),
        ("ftp://b/x", "http://a", False),
        ("/x", "http://a", False),
        ("file:///etc/passwd", "http://a", False),
        ("http://[bad/x", "http://a", False),
    ],
)
def test_urls_that_a_server_names(named: str, server: str, usable: bool) -> None:
    """PRD-1: nothing but http(s), and no downgrade."""
    assert decisions.is_no_downgrade(named, server) is usable


# -- authorization server metadata


@pytest.mark.parametrize(
    ("issuer", "urls"),
    [
        (None, ["https://mcp.example/.well-known/oauth-authorization-server"]),
        (
            "https://as/",
            ["https://as/.well-known/oauth-authorization-server", "https://as/.well-known/openid-configuration"],
        ),
        (
            "https://as/t1/",
            [
                "https://as/.well-known/oauth-authorization-server/t1",
                "https://as/.well-known/openid-configuration/t1",
                "https://as/t1/.well-known/openid-configuration",
            ],
        ),
    ],
)
def test_server_discovery_urls(issuer: str | None, urls: list[str]) -> None:
    """ASD-1 ASD-2 ASD-3 R26-147"""
    assert utils.build_oauth_authorization_server_metadata_discovery_urls(issuer, SERVER) == urls


@pytest.mark.parametrize(
    ("status", "go_on"),
    [(100, False), (201, False), (204, False), (302, True), (400, True), (404, True), (429, True), (500, False)],
)
async def test_server_metadata_status(status: int, go_on: bool) -> None:
    """ASD-4"""
    assert await utils.handle_auth_metadata_response(httpx.Response(status)) == (go_on, None)


@pytest.mark.parametrize("missing", ["issuer", "authorization_endpoint", "token_endpoint", None])
async def test_server_metadata_needs(missing: str | None) -> None:
    """ASD-4 ASD-9"""
    document = metadata().model_dump(mode="json", exclude=set() if missing is None else {missing})
    found = await utils.handle_auth_metadata_response(httpx.Response(200, json=document))
    assert found == (True, metadata() if missing is None else None)


def test_server_discovery() -> None:
    """ASD-4 ASD-6"""
    discovery = ServerDiscovery(["1", "2", "3"])
    assert discovery.next_url() == "1"
    discovery.feed(404, True, None)
    assert discovery.next_url() == "2"
    discovery.feed(204, False, None)
    assert discovery.next_url() is None
    assert discovery.found is None

    discovery = ServerDiscovery(["1", "2"])
    discovery.next_url()
    discovery.feed(200, True, metadata())
    assert discovery.next_url() is None
    assert discovery.found == metadata()


def test_server_discovery_stops_at_server_errors() -> None:
    """ASD-4 ASD-7"""
    discovery = ServerDiscovery(["1", "2"])
    discovery.next_url()
    with pytest.raises(OAuthFlowError, match="HTTP 503"):
        discovery.feed(503, False, None)


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        ("https://a", "https://a/", True),
        ("https://a/x", "https://a/x", True),
        ("https://a/x", "https://a/x/", False),
        ("https://A", "https://a", False),
        ("https://a:443", "https://a", False),
        ("https://a?x", "https://a/?x", False),
        ("a", "a/", False),
        ("", "/", False),
    ],
)
def test_issuers(a: str, b: str, equal: bool) -> None:
    """ASD-5 R26-146"""
    assert utils.issuers_match(a, b) is utils.issuers_match(b, a) is equal


def test_metadata_of_another_issuer() -> None:
    """ASD-5"""
    utils.validate_metadata_issuer(metadata("https://as.example"), "https://as.example/")
    text = "^Authorization server metadata issuer mismatch: https://evil.example/ != https://as.example$"
    with pytest.raises(OAuthFlowError, match=text):
        utils.validate_metadata_issuer(metadata("https://evil.example"), "https://as.example")


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "registration_endpoint"])
def test_insecure_endpoints_of_a_secure_issuer(name: str) -> None:
    """Forged or careless metadata: nothing is sent in the clear."""
    with pytest.raises(OAuthFlowError, match=f"insecure {name}"):
        decisions.check_endpoints(metadata(**{name: "http://as.example/x"}))
    decisions.check_endpoints(metadata(**{name: "http://localhost:1/x"}))
    decisions.check_endpoints(metadata("http://as.example", **{name: "http://as.example/x"}))


@pytest.mark.parametrize(("methods", "good"), [(None, False), ([], False), (["plain"], False), (["S256"], True)])
def test_pkce_support(methods: list[str] | None, good: bool) -> None:
    """ASD-8 R26-149"""
    assert decisions.supports_s256(metadata(code_challenge_methods_supported=methods)) is good


# -- credentials


@pytest.mark.parametrize(
    ("fields", "url", "usable"),
    [
        ({}, None, True),
        ({"issuer": "https://as"}, None, True),
        ({"issuer": "https://as/"}, None, True),
        ({"issuer": "https://other"}, None, False),
        ({"issuer": "https://other", "client_id": "https://c/x"}, "https://c/x", True),
        ({"issuer": "https://other", "client_id": "https://c/y"}, "https://c/x", False),
    ],
)
def test_credentials_binding(fields: dict[str, str], url: str | None, usable: bool) -> None:
    """BIND-2 BIND-3 R26-153"""
    assert utils.credentials_match_issuer(client(**fields), "https://as", url) is usable


@pytest.mark.parametrize(
    ("found", "issuer"),
    [
        (None, None),
        (metadata(registration_endpoint="https://as.example/register"), "https://as.example/"),
        (metadata(registration_endpoint="https://elsewhere.example/register"), "https://as.example/"),
        (metadata(), None),
        (metadata("https://mcp.example"), "https://mcp.example/"),
        (metadata("https://mcp.example/tenant"), "https://mcp.example/tenant"),
    ],
)
def test_stamped_issuer(found: OAuthMetadata | None, issuer: str | None) -> None:
    """BIND-4"""
    assert decisions.registration_issuer(found, "https://MCP.example:443") == issuer


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://c.example/client.json", True),
        ("https://c.example/x?y#z", True),
        ("https://c.example", False),
        ("https://c.example/", False),
        ("https://c.example/?x", False),
        ("http://c.example/x", False),
        ("", False),
        ("https://[bad/x", False),
        (None, False),
    ],
)
def test_client_metadata_url(url: str | None, good: bool) -> None:
    """CL-2"""
    assert utils.is_valid_client_metadata_url(url) is good


@pytest.mark.parametrize(
    ("supported", "url", "used"),
    [(True, "https://c/x", True), (True, None, False), (False, "https://c/x", False), (None, "https://c/x", False)],
)
def test_use_of_the_client_metadata_url(supported: bool | None, url: str | None, used: bool) -> None:
    """DCR-2"""
    found = metadata(client_id_metadata_document_supported=supported)
    assert utils.should_use_client_metadata_url(found, url) is used
    assert utils.should_use_client_metadata_url(None, url) is False


def test_client_of_a_metadata_url() -> None:
    """DCR-2"""
    made = utils.create_client_info_from_metadata_url("https://c/x", [AnyUrl("http://localhost/cb")])
    assert (made.client_id, made.token_endpoint_auth_method, made.client_secret) == ("https://c/x", "none", None)
    assert utils.create_client_info_from_metadata_url("https://c/x").redirect_uris is None


@pytest.mark.parametrize(
    ("found", "url"),
    [
        (None, "https://mcp.example/register"),
        (metadata(), "https://mcp.example/register"),
        (metadata(registration_endpoint="https://as.example/r"), "https://as.example/r"),
    ],
)
def test_registration_request(found: OAuthMetadata | None, url: str) -> None:
    """DCR-3 DCR-6 R26-151"""
    described = OAuthClientMetadata(redirect_uris=[AnyUrl("http://localhost/cb")], scope="a")
    request = utils.create_client_registration_request(found, described, "https://mcp.example")
    assert (request.method, str(request.url)) == ("POST", url)
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {
        "redirect_uris": ["http://localhost/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "a",
        "application_type": "native",
    }


@pytest.mark.parametrize(
    ("uris", "kind"),
    [
        (["http://localhost:1/cb"], "native"),
        (["http://127.0.0.1/cb", "http://[::1]/cb"], "native"),
        (["com.example.app:/cb"], "native"),
        (["https://app.example/cb"], "web"),
        (["http://localhost/cb", "https://app.example/cb"], "web"),
        (["http://127.0.0.1.evil.com/cb"], "web"),
        ([], None),
        (None, None),
    ],
)
def test_application_type(uris: list[str] | None, kind: str | None) -> None:
    """R26-151"""
    assert decisions.application_type(None if uris is None else [AnyUrl(uri) for uri in uris]) == kind


def test_application_type_of_the_user_wins_and_empty_scope_is_left_out() -> None:
    """R26-151 SCOPE-4"""
    described = OAuthClientMetadata(redirect_uris=None, application_type="web", scope="")
    sent = json.loads(utils.create_client_registration_request(None, described, "https://a").content)
    assert sent["application_type"] == "web"
    assert "scope" not in sent
    described = OAuthClientMetadata(redirect_uris=None)
    assert "application_type" not in json.loads(
        utils.create_client_registration_request(None, described, "https://a").content
    )


@pytest.mark.parametrize("status", [200, 201])
async def test_registration_response(status: int) -> None:
    """BIND-1 DCR-4 DCR-7"""
    document = {"client_id": "c", "redirect_uris": None, "client_uri": "", "issuer": "https://evil.example"}
    made = await utils.handle_registration_response(httpx.Response(status, json=document))
    assert (made.client_id, made.client_uri, made.issuer) == ("c", None, None)


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (httpx.Response(400, text="no"), "Registration failed: 400 no"),
        (
            httpx.Response(
                307, headers={"location": "https://b/x?secret=1"}, request=httpx.Request("POST", "https://a/r")
            ),
            r"Registration failed: 307 \(redirected to https://b/x; not followed\) ",
        ),
        (httpx.Response(201, text="nonsense"), "Invalid registration response: "),
        (httpx.Response(201, json={"client_id": "c"}), "Invalid registration response: "),
        (httpx.Response(201, json={"redirect_uris": None}), "Invalid registration response: client_id is missing"),
    ],
)
async def test_failed_registration(response: httpx.Response, text: str) -> None:
    """DCR-4 DCR-5"""
    with pytest.raises(OAuthRegistrationError, match=f"^{text}"):
        await utils.handle_registration_response(response)


async def test_registration_error_carries_the_servers_code() -> None:
    """DCR-4"""
    body = {"error": "invalid_redirect_uri", "error_description": "not yours"}
    with pytest.raises(OAuthRegistrationError) as caught:
        await utils.handle_registration_response(httpx.Response(400, json=body))
    assert (caught.value.error, caught.value.error_description) == ("invalid_redirect_uri", "not yours")
    assert isinstance(caught.value, OAuthFlowError)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"error": "e", "error_description": "d"}', {"error": "e", "error_description": "d"}),
        (b'{"error": "e", "error_description": 1}', {"error": "e"}),
        (b"[]", {}),
        (b"nonsense", {}),
        (b"\xff", {}),
        (b"[" * 100_000, {}),
    ],
)
def test_error_bodies(body: bytes, found: dict[str, str]) -> None:
    assert decisions.oauth_error(body) == found


@pytest.mark.parametrize(
    ("fields", "expired"),
    [
        ({"client_secret": "s"}, False),
        ({"client_secret": "s", "client_secret_expires_at": 0}, False),
        ({"client_secret": "s", "client_secret_expires_at": 1000}, True),
        ({"client_secret": "s", "client_secret_expires_at": 1001}, False),
        ({"client_secret_expires_at": 1}, False),
    ],
)
def test_expired_secret(fields: dict[str, Any], expired: bool) -> None:
    """DCR-8"""
    assert decisions.secret_expired(client(**fields), 1000.0) is expired


# -- scope


@pytest.mark.parametrize(
    ("challenge", "prm", "asm", "scope"),
    [
        ("c", ["r"], ["a"], "c"),
        ("", ["r"], ["a"], ""),
        (None, ["r", "s"], ["a"], "r s"),
        (None, [], ["a"], ""),
        (None, None, ["a", "b"], "a b"),
        (None, None, None, None),
    ],
)
def test_scope_selection(
    challenge: str | None, prm: list[str] | None, asm: list[str] | None, scope: str | None
) -> None:
    """SCOPE-1 SCOPE-3 R26-154"""
    found = utils.get_client_metadata_scopes(challenge, resource(scopes_supported=prm), metadata(scopes_supported=asm))
    assert found == scope
    assert utils.get_client_metadata_scopes(None, None) is None


@pytest.mark.parametrize(
    ("earlier", "challenged", "union"),
    [
        (None, None, None),
        (None, "b", "b"),
        ("a", None, "a"),
        ("a b", "c b", "a b c"),
        ("a", "", "a"),
        ("", "b", "b"),
    ],
)
def test_union_of_scopes(earlier: str | None, challenged: str | None, union: str | None) -> None:
    """STEP-2 R26-155"""
    assert decisions.merge_scopes(earlier, challenged) == union


# -- requests


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("https://as/authorize", "https://as/authorize?a=1+2&b=%2F"),
        ("https://as/authorize?x=1", "https://as/authorize?x=1&a=1+2&b=%2F"),
        ("https://as/authorize?", "https://as/authorize?a=1+2&b=%2F"),
        ("https://as/authorize?x=1#frag", "https://as/authorize?x=1&a=1+2&b=%2F#frag"),
    ],
)
def test_authorization_url(endpoint: str, url: str) -> None:
    """AUTHZ-1 AUTHZ-2"""
    assert decisions.authorization_url(endpoint, {"a": "1 2", "b": "/"}) == url


def test_pkce() -> None:
    """AUTHZ-3"""
    pair = PKCEParameters.generate()
    assert re.fullmatch(r"[A-Za-z0-9\-._~]{128}", pair.code_verifier)
    digest = hashlib.sha256(pair.code_verifier.encode()).digest()
    assert pair.code_challenge == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert PKCEParameters.generate() != pair
    for length in (42, 129):
        with pytest.raises(ValidationError):
            PKCEParameters(code_verifier="v" * length, code_challenge="c" * 43)
        with pytest.raises(ValidationError):
            PKCEParameters(code_verifier="v" * 43, code_challenge="c" * length)


@pytest.mark.parametrize(
    ("fields", "offered", "method"),
    [
        ({"token_endpoint_auth_method": "none", "client_secret": "s"}, None, "none"),
        ({"token_endpoint_auth_method": "client_secret_post", "client_secret": "s"}, None, "client_secret_post"),
        ({}, None, "none"),
        ({"client_secret": "s"}, None, "client_secret_basic"),
        ({"client_secret": "s"}, ["client_secret_post", "client_secret_basic"], "client_secret_basic"),
        ({"client_secret": "s"}, ["client_secret_post"], "client_secret_post"),
        ({"client_secret": "s"}, ["tls_client_auth"], "client_secret_basic"),
    ],
)
def test_client_authentication_method(fields: dict[str, Any], offered: list[str] | None, method: str) -> None:
    """AUTHZ-7 AUTHZ-8"""
    found = metadata(token_endpoint_auth_methods_supported=offered)
    assert decisions.token_auth_method(client(**fields), found) == method


def context(**fields: Any) -> OAuthContext:
    described = OAuthClientMetadata(redirect_uris=[AnyUrl("http://localhost/cb")])
    made = OAuthContext(fields.pop("server_url", SERVER), described, None, None, None)  # type: ignore[arg-type]
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("fields", "data", "header"),
    [
        ({"token_endpoint_auth_method": "none"}, {}, None),
        ({}, {}, None),
        (
            {"token_endpoint_auth_method": "client_secret_post", "client_secret": "s:+"},
            {"client_secret": "s:+"},
            None,
        ),
        ({"token_endpoint_auth_method": "client_secret_basic", "client_secret": "s:+"}, {}, "a%20b:s%3A%2B"),
        ({"client_secret": "s"}, {}, "a%20b:s"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, {}, None),
    ],
)
def test_client_authentication(fields: dict[str, Any], data: dict[str, str], header: str | None) -> None:
    """AUTHZ-7 AUTHZ-8"""
    given = {"client_id": "a b"}
    form, headers = context(client_info=client(client_id="a b", **fields)).prepare_token_auth(given, {"X": "1"})
    assert form == {"client_id": "a b", **data}
    assert given == {"client_id": "a b"}
    authorization = headers.pop("Authorization", None)
    assert headers == {"X": "1"}
    expected = None if header is None else "Basic " + base64.b64encode(header.encode()).decode()
    assert authorization == expected


def test_client_authentication_without_client() -> None:
    """AUTHZ-7"""
    assert context().prepare_token_auth({"a": "b"}) == ({"a": "b"}, {})


@pytest.mark.parametrize(
    ("found", "version", "sent"),
    [
        (True, None, True),
        (True, "2025-03-26", True),
        (False, None, False),
        (False, "2025-03-26", False),
        (False, "2025-06-18", True),
        (False, "2025-11-25", True),
    ],
)
def test_when_the_resource_is_sent(found: bool, version: str | None, sent: bool) -> None:
    """RSRC-1 RSRC-2"""
    held = context(protected_resource_metadata=resource() if found else None)
    assert held.should_include_resource_param(version) is sent


@pytest.mark.parametrize(
    ("server", "named", "value"),
    [
        (SERVER, None, SERVER),
        ("HTTPS://U:P@MCP.example:443/Mcp/?q=A#f", None, "https://U:P@mcp.example:443/Mcp/?q=A"),
        (SERVER, "https://mcp.example/", "https://mcp.example/"),
        (SERVER, "https://mcp.example/mcp", SERVER),
        (SERVER, "https://mcp.example/other", SERVER),
        (SERVER, "https://evil.example/", SERVER),
    ],
)
def test_value_of_the_resource(server: str, named: str | None, value: str) -> None:
    """RSRC-3 RSRC-4"""
    held = context(server_url=server, protected_resource_metadata=named and resource(resource=named))
    assert held.get_resource_url() == value


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://User:pw@MCP.example:8443/x?y", "https://mcp.example:8443"),
        ("https://mcp.example:443/x", "https://mcp.example"),
        ("http://[::1]:80/x", "http://[::1]"),
        ("http://[::1]:8000/x", "http://[::1]:8000"),
    ],
)
def test_base_url(url: str, base: str) -> None:
    """ASD-6"""
    assert context().get_authorization_base_url(url) == base


def test_token_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """CL-13 AUTHZ-10"""
    held = context()
    assert not held.is_token_valid()
    held.current_tokens = OAuthToken(access_token="t", refresh_token="r", expires_in=10)
    assert held.is_token_valid()  # expiry unknown
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    held.update_token_expiry(held.current_tokens)
    assert held.token_expiry_time == 1010.0
    for now, valid in ((1009.0, True), (1010.0, True), (1010.1, False)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        assert held.is_token_valid() is valid
    assert not held.can_refresh_token()
    held.client_info = client()
    assert held.can_refresh_token()
    held.update_token_expiry(OAuthToken(access_token="t"))
    assert held.token_expiry_time is None
    held.clear_tokens()
    assert (held.current_tokens, held.token_expiry_time) == (None, None)
    held.current_tokens = OAuthToken(access_token="")
    assert not held.is_token_valid()


async def test_token_response() -> None:
    """AUTHZ-9 AUTHZ-11"""
    good = await utils.handle_token_response_scopes(httpx.Response(200, json={"access_token": "t", "scope": "less"}))
    assert good.scope == "less"
    for bad in ({}, {"access_token": "hush", "token_type": "mac"}):
        with pytest.raises(OAuthTokenError, match=r"^Invalid token response: ") as caught:
            await utils.handle_token_response_scopes(httpx.Response(200, json=bad))
        assert "hush" not in str(caught.value)


# -- the authorization response

ISS = "https://as.example"


def accept(response: Any, issuer: str | None = ISS, promised: bool = False) -> str:
    return accept_authorization_response(response, state="st", issuer=issuer, issuer_promised=promised)


@pytest.mark.parametrize(
    ("response", "promised"),
    [
        (("code", "st"), False),
        (("code", "st"), True),  # an older handler, which cannot know
        (("code", "st", ISS), True),
        (("code", "st", None), False),
        (AuthorizationResponse("code", "st"), False),
        (AuthorizationResponse("code", "st", iss=ISS), True),
        (AuthorizationResponse("code", "st", iss=ISS), False),
    ],
)
def test_good_authorization_responses(response: Any, promised: bool) -> None:
    """AUTHZ-5 R26-143 R26-144"""
    assert accept(response, promised=promised) == "code"


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (("code", None), "State parameter mismatch: None != st"),
        (("code", "other"), "State parameter mismatch: other != st"),
        (("code", "ü"), "State parameter mismatch: ü != st"),
        ((None, "st"), "No authorization code received"),
        (("", "st"), "No authorization code received"),
        (AuthorizationResponse(state="other", error="e"), "State parameter mismatch: other != st"),
        (AuthorizationResponse(state="st", error="access_denied"), "Authorization failed: access_denied"),
        (
            AuthorizationResponse(state="st", error="access_denied", error_description="no", iss=ISS),
            "Authorization failed: access_denied: no",
        ),
        # RFC 9207: plain string comparison, before anything else is believed
        (
            ("code", "st", "https://evil.example"),
            f"Authorization response issuer mismatch: https://evil.example != {ISS}",
        ),
        (
            AuthorizationResponse("code", "st", iss=ISS + "/"),
            f"Authorization response issuer mismatch: {ISS}/ != {ISS}",
        ),
        (AuthorizationResponse("code", "st", iss=""), f"Authorization response issuer mismatch:  != {ISS}"),
        (
            AuthorizationResponse(state="st", error="e", error_description="phish", iss="https://evil.example"),
            f"Authorization response issuer mismatch: https://evil.example != {ISS}",
        ),
    ],
)
def test_bad_authorization_responses(response: Any, text: str) -> None:
    """AUTHZ-5 R26-143 R26-145"""
    with pytest.raises(OAuthFlowError) as caught:
        accept(response)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "response",
    [("code", "st", None), AuthorizationResponse("code", "st"), AuthorizationResponse(state="st", error="e")],
)
def test_promised_issuer_is_missing(response: Any) -> None:
    """R26-144 R26-145"""
    with pytest.raises(OAuthFlowError, match="issuer mismatch: None"):
        accept(response, promised=True)
    assert accept(("code", "st", "https://any.example"), issuer=None) == "code"


def test_authorization_error_carries_the_servers_code() -> None:
    """R26-145"""
    with pytest.raises(OAuthFlowError) as caught:
        accept(AuthorizationResponse(state="st", error="access_denied", error_description="no"))
    assert (caught.value.error, caught.value.error_description) == ("access_denied", "no")


def test_authorization_response_from_a_url() -> None:
    """CL-4"""
    read = AuthorizationResponse.from_url("/callback?code=a%20b&state=s&iss=https%3A%2F%2Fas")
    assert read == ("a b", "s")
    assert (read.iss, read.error) == ("https://as", None)
    read = AuthorizationResponse.from_url("http://localhost/cb?error=access_denied&error_description=no+way&state=s")
    assert tuple(read) == ("", "s")
    assert (read.error, read.error_description) == ("access_denied", "no way")


# -- construction


def test_invalid_client_metadata_url() -> None:
    """CL-1 CL-2"""
    described = OAuthClientMetadata(redirect_uris=None)
    for url in ("", "http://c/x", "https://c"):
        with pytest.raises(ValueError, match=r"^client_metadata_url must be a valid HTTPS URL") as caught:
            OAuthClientProvider(SERVER, described, None, client_metadata_url=url)  # type: ignore[arg-type]
        expected = f"client_metadata_url must be a valid HTTPS URL with a non-root pathname, got: {url}"
        assert str(caught.value) == expected
    provider = OAuthClientProvider(SERVER, described, None, None, None, 5.0, None)  # type: ignore[arg-type]
    assert isinstance(provider, httpx.Auth)
    assert provider.requires_response_body is True


def test_names_that_others_import_from_here() -> None:
    """CL-6"""
    assert oauth2.OAuthClientMetadata is OAuthClientMetadata
    assert {"OAuthFlowError", "OAuthTokenError"} <= set(vars(oauth2))
    error = OAuthFlowError("text")
    assert (str(error), error.args, error.error, error.error_description) == ("text", ("text",), None, None)
