"""Client authentication, the token and the revocation endpoint (CAUTH, TOK, REV, PROV)."""

import base64
import hashlib
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from pydantic import AnyUrl

from mcp.server.auth.provider import AccessToken, AuthorizationCode, RefreshToken, TokenError
from mcp.shared.auth import OAuthToken

pytestmark = pytest.mark.anyio

MakeHttp = Callable[..., httpx.AsyncClient]
CB = "https://client.example/cb"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
AUTH = {"client_id": "c", "client_secret": "s3cret"}


def basic(client_id: str, secret: str, scheme: str = "Basic") -> dict[str, str]:
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return {"authorization": f"{scheme} {base64.b64encode(pair.encode()).decode()}"}


def add_code(provider: Any, **changes: Any) -> AuthorizationCode:
    fields = {
        "code": "code",
        "scopes": ["read"],
        "expires_at": time.time() + 60,
        "client_id": "c",
        "code_challenge": CHALLENGE,
        "redirect_uri": AnyUrl(CB),
        "redirect_uri_provided_explicitly": True,
        **changes,
    }
    code = AuthorizationCode(**fields)
    provider.codes[code.code] = code
    return code


def add_refresh(provider: Any, **changes: Any) -> RefreshToken:
    fields = {"token": "r", "client_id": "c", "scopes": ["read", "write"], **changes}
    token = RefreshToken(**fields)
    provider.refresh[token.token] = token
    return token


def code_form(**changes: str | None) -> dict[str, str]:
    form = {
        "grant_type": "authorization_code",
        "code": "code",
        "code_verifier": VERIFIER,
        "redirect_uri": CB,
        **AUTH,
        **changes,
    }
    return {name: value for name, value in form.items() if value is not None}


def refresh_form(**changes: str | None) -> dict[str, str]:
    form = {"grant_type": "refresh_token", "refresh_token": "r", **AUTH, **changes}
    return {name: value for name, value in form.items() if value is not None}


async def token(http: httpx.AsyncClient, form: dict[str, str], headers: dict[str, str] | None = None) -> httpx.Response:
    answer = await http.post("/token", data=form, headers=headers)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    return answer


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    document = answer.json()
    return answer.status_code, document["error"], document.get("error_description", "")


# -- client authentication

MISSING_BASIC = "Missing or invalid Basic authentication in Authorization header"
BAD_BASIC = "Invalid Basic authentication header"


def raw_basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("method", "form", "headers", "text"),
    [
        ("client_secret_post", {}, {}, "Missing client_id"),
        ("client_secret_post", {"client_id": ""}, {}, "Missing client_id"),
        ("client_secret_post", {"client_id": "x"}, {}, "Invalid client_id"),
        ("client_secret_post", {"client_id": "c"}, {}, "Client secret is required"),
        ("client_secret_post", {"client_id": "c"}, basic("c", "s3cret"), "Client secret is required"),
        ("client_secret_post", {"client_id": "c", "client_secret": "no"}, {}, "Invalid client_secret"),
        ("client_secret_post", {"client_id": "c", "client_secret": "sécret"}, {}, "Invalid client_secret"),
        ("client_secret_basic", AUTH, {}, MISSING_BASIC),
        ("client_secret_basic", AUTH, {"authorization": "Bearer x"}, MISSING_BASIC),
        ("client_secret_basic", AUTH, {"authorization": "Basic !"}, BAD_BASIC),
        ("client_secret_basic", AUTH, {"authorization": "Basic /w=="}, BAD_BASIC),
        ("client_secret_basic", AUTH, raw_basic("nocolon"), BAD_BASIC),
        ("client_secret_basic", AUTH, basic("other", "s3cret"), "Client ID mismatch in Basic auth"),
        ("client_secret_basic", AUTH, basic("c", "no"), "Invalid client_secret"),
        ("client_secret_basic", AUTH, basic("c", ""), "Client secret is required"),
        ("client_secret_basic", {}, {"authorization": "Basic !"}, "Missing client_id"),
        ("client_secret_basic", {}, basic("x", "s3cret"), "Invalid client_id"),
        ("none", {"client_id": "c"}, {}, "Client secret is required"),
        ("private_key_jwt", AUTH, {}, "Unsupported auth method: private_key_jwt"),
        (None, AUTH, {}, "Unsupported auth method: None"),
    ],
)
async def test_failed_client_authentication(
    make_http: MakeHttp, provider: Any, method: str | None, form: dict[str, str], headers: dict[str, str], text: str
) -> None:
    """CAUTH-1 CAUTH-2 CAUTH-3 CAUTH-5 CAUTH-6 CAUTH-7 CAUTH-8 TOK-1 TOK-2"""
    provider.add_client(token_endpoint_auth_method=method)
    async with make_http() as http:
        assert refusal(await token(http, form, headers)) == (401, "unauthorized_client", text)


@pytest.mark.parametrize(
    ("client_id", "secret", "method", "form", "headers"),
    [
        ("c", "s3cret", "client_secret_post", AUTH, {}),
        ("c", "s3cret", "client_secret_basic", {"client_id": "c"}, basic("c", "s3cret")),
        # CAUTH-4
        ("c", "s3cret", "client_secret_basic", {"client_id": "c"}, basic("c", "s3cret", "basic")),
        ("c", "s3cret", "client_secret_basic", {}, basic("c", "s3cret")),
        # CAUTH-3: percent-encoding, and colons in the secret
        ("a b:c", "p%:+ü", "client_secret_basic", {"client_id": "a b:c"}, basic("a b:c", "p%:+ü")),
        ("c", "x:y:z", "client_secret_basic", {"client_id": "c"}, raw_basic("c:x:y:z")),
        ("c", None, "none", {"client_id": "c"}, {}),
        ("c", None, "client_secret_post", {"client_id": "c"}, {}),
    ],
)
async def test_client_authentication(
    make_http: MakeHttp,
    provider: Any,
    client_id: str,
    secret: str | None,
    method: str,
    form: dict[str, str],
    headers: dict[str, str],
) -> None:
    """CAUTH-1 CAUTH-2 CAUTH-3 CAUTH-4 CAUTH-5 TOK-10"""
    provider.add_client(client_id, client_secret=secret, token_endpoint_auth_method=method)
    add_refresh(provider, client_id=client_id)
    async with make_http() as http:
        form = {"grant_type": "refresh_token", "refresh_token": "r", **form}
        assert (await token(http, form, headers)).status_code == 200


@pytest.mark.parametrize(("expires", "good"), [(-10, False), (60, True), (None, True)])
async def test_expired_secret(make_http: MakeHttp, provider: Any, expires: int | None, good: bool) -> None:
    """CAUTH-5"""
    at = 0 if expires is None else int(time.time()) + expires
    provider.add_client(client_secret_expires_at=at)
    add_refresh(provider)
    async with make_http() as http:
        answer = await token(http, refresh_form())
    if good:
        assert answer.status_code == 200
    else:
        assert refusal(answer) == (401, "unauthorized_client", "Client secret has expired")


# -- the token endpoint


@pytest.mark.parametrize(
    ("form", "error", "text"),
    [
        ({**AUTH, "grant_type": "password"}, "unsupported_grant_type", "Input tag 'password'"),
        (AUTH, "invalid_request", "Unable to extract tag"),
        (code_form(code=None), "invalid_request", "authorization_code.code: Field required"),
        (code_form(code_verifier=None), "invalid_request", "authorization_code.code_verifier: Field required"),
        (refresh_form(refresh_token=None), "invalid_request", "refresh_token.refresh_token: Field required"),
        (code_form(redirect_uri="no url"), "invalid_request", "authorization_code.redirect_uri: Input should be"),
    ],
)
async def test_invalid_forms(make_http: MakeHttp, provider: Any, form: dict[str, str], error: str, text: str) -> None:
    """TOK-1 TOK-3 TOK-4"""
    provider.add_client()
    async with make_http() as http:
        status, found, description = refusal(await token(http, form))
    assert (status, found) == (400, error)
    assert text in description


async def test_grant_that_the_client_may_not_use(make_http: MakeHttp, provider: Any) -> None:
    """TOK-5"""
    provider.add_client(grant_types=["authorization_code"])
    async with make_http() as http:
        assert refusal(await token(http, refresh_form())) == (
            400,
            "unsupported_grant_type",
            "Unsupported grant type (supported grant types are ['authorization_code'])",
        )


@pytest.mark.parametrize("method", ["client_secret_post", "none"])
async def test_code_exchange(make_http: MakeHttp, provider: Any, method: str) -> None:
    """TOK-10 TOK-11 PROV-3 PROV-4"""
    provider.add_client(
        token_endpoint_auth_method=method, client_secret="s3cret" if method == "client_secret_post" else None
    )
    add_code(provider, resource="https://mcp.example/mcp", subject="user")
    async with make_http() as http:
        answer = await token(http, code_form())
    assert answer.status_code == 200
    document = answer.json()
    assert document["token_type"] == "Bearer"
    assert set(document) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    access = provider.access[document["access_token"]]
    assert (access.scopes, access.resource, access.subject) == (["read"], "https://mcp.example/mcp", "user")


async def test_nulls_are_omitted_and_bearer_is_normalised(make_http: MakeHttp, provider: Any) -> None:
    """TOK-11"""
    provider.add_client()
    add_code(provider)

    async def exchange(client: Any, code: Any) -> OAuthToken:
        return OAuthToken.model_validate({"access_token": "t", "token_type": "bearer"})

    provider.exchange_authorization_code = exchange
    async with make_http() as http:
        assert (await token(http, code_form())).json() == {"access_token": "t", "token_type": "Bearer"}


class SecretiveCode(AuthorizationCode):
    upstream_secret: str


async def test_private_fields_of_subclasses_are_not_shown(make_http: MakeHttp, provider: Any) -> None:
    """PROV-8"""
    provider.add_client()
    code = SecretiveCode(**add_code(provider).model_dump(), upstream_secret="hush")
    provider.codes["code"] = code
    async with make_http() as http:
        assert "hush" not in (await token(http, code_form())).text


@pytest.mark.parametrize(
    ("code", "form", "error", "text"),
    [
        ({}, {"code": "other"}, "invalid_grant", "authorization code does not exist"),
        ({"client_id": "d"}, {}, "invalid_grant", "authorization code does not exist"),
        ({"expires_at": time.time()}, {}, "invalid_grant", "authorization code has expired"),
        (
            {},
            {"redirect_uri": CB + "/"},
            "invalid_request",
            "redirect_uri did not match the one used when creating auth code",
        ),
        (
            {},
            {"redirect_uri": None},
            "invalid_request",
            "redirect_uri did not match the one used when creating auth code",
        ),
        (
            {"redirect_uri_provided_explicitly": False},
            {},
            "invalid_request",
            "redirect_uri did not match the one used when creating auth code",
        ),
        ({}, {"code_verifier": "w" * 43}, "invalid_grant", "incorrect code_verifier"),
        ({}, {"code_verifier": CHALLENGE}, "invalid_grant", "incorrect code_verifier"),
        (
            {"resource": "https://mcp.example/mcp"},
            {"resource": "https://other.example/mcp"},
            "invalid_target",
            "resource does not match the one that was authorized",
        ),
    ],
)
async def test_refused_codes(
    make_http: MakeHttp, provider: Any, code: dict[str, Any], form: dict[str, Any], error: str, text: str
) -> None:
    """TOK-6 TOK-7 TOK-8 TOK-9 TOK-12 TOK-17"""
    provider.add_client()
    add_code(provider, **code)
    async with make_http() as http:
        assert refusal(await token(http, code_form(**form))) == (400, error, text)
    assert provider.codes
    assert not provider.access


@pytest.mark.parametrize(
    ("granted", "requested"),
    [
        (None, "https://mcp.example/mcp"),
        ("https://mcp.example/mcp", None),
        ("https://mcp.example/mcp", "HTTPS://MCP.example:443/mcp/"),
    ],
)
async def test_fitting_resources(
    make_http: MakeHttp, provider: Any, granted: str | None, requested: str | None
) -> None:
    """TOK-17"""
    provider.add_client()
    add_code(provider, resource=granted)
    add_refresh(provider, resource=granted)
    async with make_http() as http:
        assert (await token(http, code_form(resource=requested))).status_code == 200
        assert (await token(http, refresh_form(resource=requested))).status_code == 200


async def test_implicit_redirect_uri(make_http: MakeHttp, provider: Any) -> None:
    """TOK-8"""
    provider.add_client()
    add_code(provider, redirect_uri_provided_explicitly=False)
    async with make_http() as http:
        assert (await token(http, code_form(redirect_uri=None))).status_code == 200


async def test_order_of_checks(make_http: MakeHttp, provider: Any) -> None:
    """TOK-12: each repair uncovers the next complaint."""
    provider.error = TokenError("invalid_grant", "provider")
    provider.add_client(grant_types=["refresh_token"])
    add_code(provider, client_id="d", expires_at=1)
    wrong = code_form(client_secret="no", code=None, redirect_uri="https://x/", code_verifier="w" * 43)
    texts: list[str] = []
    async with make_http() as http:

        async def complain() -> None:
            texts.append(refusal(await token(http, wrong))[2])

        await complain()
        wrong["client_secret"] = "s3cret"
        await complain()
        wrong["code"] = "code"
        await complain()
        provider.add_client()
        await complain()
        add_code(provider, expires_at=1)
        await complain()
        add_code(provider)
        await complain()
        wrong["redirect_uri"] = CB
        await complain()
        wrong["code_verifier"] = VERIFIER
        await complain()
    expected = [
        "Invalid client_secret",
        "authorization_code.code: Field required",
        "Unsupported grant type",
        "authorization code does not exist",
        "authorization code has expired",
        "redirect_uri did not match",
        "incorrect code_verifier",
        "provider",
    ]
    assert [text[: len(start)] for text, start in zip(texts, expected, strict=True)] == expected


async def test_single_use_is_the_providers_job(make_http: MakeHttp, provider: Any) -> None:
    """TOK-13 PROV-4: a replayed code is refused because the provider forgot it, not by the handler."""
    provider.add_client()
    add_code(provider)
    async with make_http() as http:
        assert (await token(http, code_form())).status_code == 200
        assert refusal(await token(http, code_form()))[1:] == ("invalid_grant", "authorization code does not exist")
        kept = add_code(provider)

        async def exchange(client: Any, code: Any) -> OAuthToken:
            return provider.issue(client, code.scopes, None)

        provider.exchange_authorization_code = exchange
        assert [(await token(http, code_form())).status_code for _ in range(2)] == [200, 200]
    assert provider.codes == {"code": kept}


@pytest.mark.parametrize("form", [code_form(), refresh_form()])
async def test_provider_errors(make_http: MakeHttp, provider: Any, form: dict[str, str]) -> None:
    """TOK-14"""
    provider.add_client()
    add_code(provider)
    add_refresh(provider)
    async with make_http(raise_app_exceptions=False) as http:
        provider.error = TokenError("invalid_grant", "why")
        assert refusal(await token(http, form)) == (400, "invalid_grant", "why")
        provider.error = TokenError("invalid_client")
        assert (await token(http, form)).json() == {"error": "invalid_client"}
        provider.error = RuntimeError("boom")
        assert (await http.post("/token", data=form)).status_code == 500


@pytest.mark.parametrize(
    ("held", "form", "error", "text"),
    [
        ({}, {"refresh_token": "other"}, "invalid_grant", "refresh token does not exist"),
        ({"client_id": "d"}, {}, "invalid_grant", "refresh token does not exist"),
        ({"expires_at": int(time.time())}, {}, "invalid_grant", "refresh token has expired"),
        ({}, {"scope": "read admin"}, "invalid_scope", "cannot request scope `admin` not provided by refresh token"),
        (
            {"resource": "https://a/"},
            {"resource": "https://[b/"},
            "invalid_target",
            "resource does not match the one that was authorized",
        ),
    ],
)
async def test_refused_refresh_tokens(
    make_http: MakeHttp, provider: Any, held: dict[str, Any], form: dict[str, Any], error: str, text: str
) -> None:
    """TOK-15 TOK-16 TOK-17"""
    provider.add_client()
    add_refresh(provider, **held)
    async with make_http() as http:
        assert refusal(await token(http, refresh_form(**form))) == (400, error, text)


@pytest.mark.parametrize(
    ("scope", "scopes"), [(None, ["read", "write"]), ("", ["read", "write"]), ("write", ["write"])]
)
async def test_refresh(make_http: MakeHttp, provider: Any, scope: str | None, scopes: list[str]) -> None:
    """TOK-16 PROV-5"""
    provider.add_client()
    add_refresh(provider, expires_at=int(time.time()) + 60)
    async with make_http() as http:
        answer = await token(http, refresh_form(scope=scope))
        assert answer.json()["scope"] == " ".join(scopes)
        assert answer.json()["refresh_token"] != "r"
        assert refusal(await token(http, refresh_form()))[1] == "invalid_grant"
    assert provider.refreshed_scopes == [scopes]


# -- the revocation endpoint


async def revoke(http: httpx.AsyncClient, headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
    return await http.post("/revoke", data=form, headers=headers)


@pytest.mark.parametrize(("owner", "revoked"), [("c", True), ("d", False)])
@pytest.mark.parametrize("value", ["a", "r", "unknown"])
async def test_revocation(make_http: MakeHttp, provider: Any, owner: str, revoked: bool, value: str) -> None:
    """REV-1 PROV-6"""
    provider.add_client()
    provider.access["a"] = AccessToken(token="a", client_id=owner, scopes=[])
    provider.refresh["r"] = RefreshToken(token="r", client_id=owner, scopes=[])
    async with make_http() as http:
        answer = await revoke(http, token=value, **AUTH)
    assert (answer.status_code, answer.content) == (200, b"")
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert [token.token for token in provider.revoked] == ([value] if revoked and value != "unknown" else [])


@pytest.mark.parametrize(
    ("hint", "order"),
    [
        (None, ["access_token", "refresh_token"]),
        ("access_token", ["access_token", "refresh_token"]),
        ("refresh_token", ["refresh_token", "access_token"]),
    ],
)
async def test_order_of_lookups(make_http: MakeHttp, provider: Any, hint: str | None, order: list[str]) -> None:
    """REV-2"""
    provider.add_client()
    async with make_http() as http:
        await revoke(http, token="unknown", **AUTH, **({"token_type_hint": hint} if hint else {}))
    assert provider.lookups == order


async def test_the_first_hit_ends_the_lookup(make_http: MakeHttp, provider: Any) -> None:
    """REV-2"""
    provider.add_client()
    provider.access["a"] = AccessToken(token="a", client_id="c", scopes=[])
    add_refresh(provider)
    async with make_http() as http:
        await revoke(http, token="a", **AUTH)
        await revoke(http, token="r", token_type_hint="refresh_token", **AUTH)
    assert provider.lookups == ["access_token", "refresh_token"]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({}, "token: Field required"),
        (
            {"token": "t", "token_type_hint": "other"},
            "token_type_hint: Input should be 'access_token' or 'refresh_token'",
        ),
    ],
)
async def test_invalid_revocations(make_http: MakeHttp, provider: Any, form: dict[str, str], text: str) -> None:
    """REV-2 REV-3"""
    provider.add_client()
    async with make_http() as http:
        assert refusal(await revoke(http, **form, **AUTH)) == (400, "invalid_request", text)


async def test_revocation_by_a_stranger(make_http: MakeHttp) -> None:
    """REV-4"""
    async with make_http() as http:
        answer = await revoke(http, token="t", client_id="x")
    assert refusal(answer) == (401, "unauthorized_client", "Invalid client_id")
    assert "cache-control" not in answer.headers


async def test_public_and_basic_clients_may_revoke(make_http: MakeHttp, provider: Any) -> None:
    """REV-5"""
    provider.add_client("public", client_secret=None, token_endpoint_auth_method="none")
    provider.add_client("basic", token_endpoint_auth_method="client_secret_basic")
    async with make_http() as http:
        assert (await revoke(http, token="t", client_id="public")).status_code == 200
        assert (await revoke(http, basic("basic", "s3cret"), token="t")).status_code == 200
