"""Machine-to-machine grants (CC, PKJ, JWT)."""

import time
import warnings
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from pydantic import AnyUrl

from mcp.client.auth import OAuthFlowError, OAuthTokenError
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    JWTParameters,
    PrivateKeyJWTOAuthProvider,
    RFC7523OAuthClientProvider,
    SignedJWTParameters,
    static_assertion_provider,
)
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthMetadata, OAuthToken

pytestmark = pytest.mark.anyio

MCP = "POST https://mcp.example/mcp"
PRM = "GET https://mcp.example/.well-known/oauth-protected-resource/mcp"
ASM = "GET https://as.example/.well-known/oauth-authorization-server"
TOKEN = "POST https://as.example/token"
ISSUER = "https://as.example"
KEY = "k" * 40
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
BASIC = "Basic Y2lkOnMzY3JldA=="


def with_secret(world: Any, storage: Any, **changes: Any) -> ClientCredentialsOAuthProvider:
    arguments = {"client_id": "cid", "client_secret": "s3cret", "issuer": ISSUER, **changes}
    return ClientCredentialsOAuthProvider(world.server_url, storage, **arguments)


def with_key(world: Any, storage: Any, audiences: list[str], **changes: Any) -> PrivateKeyJWTOAuthProvider:
    async def assertion(audience: str) -> str:
        audiences.append(audience)
        return "assertion-of-" + audience

    return PrivateKeyJWTOAuthProvider(world.server_url, storage, "cid", assertion, **{"issuer": ISSUER, **changes})


# -- client credentials


async def test_client_credentials(world: Any, make_storage: Any) -> None:
    """CC-1 CC-2 CC-7"""
    storage = make_storage()
    provider = with_secret(world, storage, scopes="a b")
    assert (await world.call(provider)).status_code == 200
    assert world.log == [MCP, PRM, ASM, TOKEN, MCP]
    assert world.forms() == [
        {"grant_type": "client_credentials", "resource": "https://mcp.example/mcp", "scope": "a b"}
    ]
    assert world.seen[3].headers["authorization"] == BASIC
    assert storage.tokens is not None
    assert storage.client_info is None
    world.good_tokens.clear()
    await world.call(provider)
    assert [form["grant_type"] for form in world.forms()] == ["client_credentials"] * 2


async def test_client_credentials_in_the_form(world: Any, make_storage: Any) -> None:
    """CC-2 CC-3"""
    provider = with_secret(world, make_storage(), token_endpoint_auth_method="client_secret_post")
    await world.call(provider)
    assert world.forms() == [
        {
            "grant_type": "client_credentials",
            "client_id": "cid",
            "client_secret": "s3cret",
            "resource": "https://mcp.example/mcp",
        }
    ]
    assert "authorization" not in world.seen[3].headers


async def test_challenged_scope_is_preferred(world: Any, make_storage: Any) -> None:
    """CC-2 SCOPE-1 SCOPE-2"""
    world.challenge = 'Bearer scope="challenged"'
    await world.call(with_secret(world, make_storage(), scopes="a b"))
    assert world.forms()[0]["scope"] == "challenged"


async def test_refresh_token_of_a_machine(world: Any, make_storage: Any) -> None:
    """CC-7"""
    provider = with_secret(world, make_storage())
    world.token_answers = [{"refresh_token": "refresh-1", "expires_in": 60}]
    await world.call(provider)
    provider.context.token_expiry_time = time.time() - 1
    await world.call(provider)
    assert world.forms()[-1]["grant_type"] == "refresh_token"


def test_missing_issuer_warns_the_caller(world: Any, make_storage: Any) -> None:
    """CC-4"""
    for build in (
        lambda: ClientCredentialsOAuthProvider(world.server_url, make_storage(), "cid", "s"),
        lambda: PrivateKeyJWTOAuthProvider(world.server_url, make_storage(), "cid", static_assertion_provider("x")),
    ):
        with pytest.warns(DeprecationWarning, match=r"^Omitting `issuer` is deprecated") as caught:
            build()
        assert caught[0].filename == __file__


@pytest.mark.parametrize("issuer", ["", "as.example", "ftp://as.example", "https://"])
def test_invalid_issuer(world: Any, make_storage: Any, issuer: str) -> None:
    """CC-4"""
    text = f"issuer must be the authorization server's http(s) issuer URL, got {issuer!r}"
    for build in (with_secret, lambda *args, **kwargs: with_key(*args, [], **kwargs)):
        with pytest.raises(ValueError, match="issuer") as caught:
            build(world, make_storage(), issuer=issuer)
        assert str(caught.value) == text


async def test_the_configured_issuer_is_preferred(world: Any, make_storage: Any) -> None:
    """CC-5"""
    world.answers[PRM]["authorization_servers"] = ["https://first.example", ISSUER]
    assert (await world.call(with_secret(world, make_storage()))).status_code == 200
    assert world.log == [MCP, PRM, ASM, TOKEN, MCP]


async def test_without_issuer_the_first_server_is_used(world: Any, make_storage: Any) -> None:
    """CC-5 PRD-7"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        provider = with_secret(world, make_storage(), issuer=None)
    assert (await world.call(provider)).status_code == 200


@pytest.mark.parametrize("kind", ["secret", "key"])
async def test_no_metadata_of_the_configured_issuer(world: Any, make_storage: Any, kind: str) -> None:
    """CC-6"""
    del world.answers[ASM]
    storage = make_storage(OAuthToken(access_token="token-old"))
    provider = with_secret(world, storage) if kind == "secret" else with_key(world, storage, [])
    text = f"^No authorization server metadata discovered for configured issuer {ISSUER}$"
    with pytest.raises(OAuthFlowError, match=text):
        await world.call(provider)
    assert provider.context.current_tokens is None
    assert world.secrets_sent_to("mcp.example") == ["token-"]
    with pytest.raises(OAuthFlowError, match=text):
        await provider._perform_authorization()


@pytest.mark.parametrize("kind", ["secret", "key"])
async def test_metadata_of_another_issuer(world: Any, make_storage: Any, kind: str) -> None:
    """CC-6: the MCP server names an authorization server of its own."""
    world.answers[PRM]["authorization_servers"] = ["https://evil.example"]
    world.answers["GET https://evil.example/.well-known/oauth-authorization-server"] = world.metadata(
        "https://evil.example"
    )
    storage = make_storage(OAuthToken(access_token="token-old", refresh_token="refresh-old"))
    provider = with_secret(world, storage) if kind == "secret" else with_key(world, storage, [])
    text = f"^Authorization server metadata issuer mismatch: https://evil.example/ != {ISSUER}$"
    with pytest.raises(OAuthFlowError, match=text):
        await world.call(provider)
    assert not world.secrets_sent_to("evil.example")
    assert provider.context.current_tokens is None
    assert provider.context.oauth_metadata is None


# -- private key


async def test_private_key(world: Any, make_storage: Any) -> None:
    """PKJ-1 PKJ-3"""
    audiences: list[str] = []
    provider = with_key(world, make_storage(), audiences, scopes="a")
    assert (await world.call(provider)).status_code == 200
    assert audiences == ["https://as.example/"]
    assert world.forms() == [
        {
            "grant_type": "client_credentials",
            "client_assertion": "assertion-of-https://as.example/",
            "client_assertion_type": ASSERTION_TYPE,
            "resource": "https://mcp.example/mcp",
            "scope": "a",
        }
    ]


async def test_refresh_with_private_key(world: Any, make_storage: Any) -> None:
    """PKJ-1 REFR-1"""
    provider = with_key(world, make_storage(), [])
    world.token_answers = [{"refresh_token": "refresh-1"}]
    await world.call(provider)
    provider.context.token_expiry_time = time.time() - 1
    await world.call(provider)
    form = world.forms()[-1]
    assert (form["grant_type"], form["client_assertion_type"]) == ("refresh_token", ASSERTION_TYPE)


async def test_private_key_without_metadata(world: Any, make_storage: Any) -> None:
    """PKJ-2"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        provider = with_key(world, make_storage(), [], issuer=None)
    del world.answers[ASM]
    with pytest.raises(OAuthFlowError, match=r"^Missing OAuth metadata for private_key_jwt flow$"):
        await world.call(provider)


async def test_assertion_providers() -> None:
    """PKJ-4"""
    assert await static_assertion_provider("fixed")("https://any") == "fixed"
    parameters = SignedJWTParameters(issuer="i", subject="s", signing_key=KEY, signing_algorithm="HS256")
    claims = jwt.decode(await parameters.create_assertion_provider()("aud"), KEY, ["HS256"], audience="aud")
    assert UUID(claims.pop("jti")).version == 4
    assert claims["exp"] - claims["iat"] == 300
    assert abs(claims["iat"] - time.time()) < 5
    assert {name: claims[name] for name in ("iss", "sub", "aud")} == {"iss": "i", "sub": "s", "aud": "aud"}
    parameters.additional_claims = {"iss": "other", "x": 1}
    parameters.lifetime_seconds = 10
    claims = jwt.decode(await parameters.create_assertion_provider()("aud"), KEY, ["HS256"], audience="aud")
    assert (claims["iss"], claims["x"], claims["exp"] - claims["iat"]) == ("other", 1, 10)


# -- RFC 7523


def deprecated_provider(world: Any, storage: Any, parameters: JWTParameters | None, **metadata: Any) -> Any:
    described = OAuthClientMetadata(redirect_uris=[AnyUrl("http://localhost:3030/callback")], **metadata)
    with pytest.warns(DeprecationWarning, match=r"^RFC7523OAuthClientProvider is deprecated. ") as caught:
        provider = RFC7523OAuthClientProvider(
            world.server_url,
            described,
            storage,
            world.open_browser,
            world.wait_for_callback,
            jwt_parameters=parameters,
        )
    assert caught[0].filename == __file__
    assert provider.jwt_parameters is parameters
    return provider


async def test_jwt_as_grant(world: Any, make_storage: Any) -> None:
    """JWT-1 JWT-2"""
    grants = ["authorization_code", "refresh_token", JWT_BEARER]
    provider = deprecated_provider(world, make_storage(), JWTParameters(assertion="jwt"), grant_types=grants, scope="a")
    assert (await world.call(provider)).status_code == 200
    assert world.forms() == [
        {"grant_type": JWT_BEARER, "assertion": "jwt", "resource": "https://mcp.example/mcp", "scope": "a"}
    ]
    assert not world.opened


@pytest.mark.parametrize("method", ["private_key_jwt", "client_secret_post"])
async def test_code_flow_with_jwt_client(world: Any, make_storage: Any, method: Any) -> None:
    """JWT-1"""
    provider = deprecated_provider(
        world, make_storage(), JWTParameters(assertion="jwt"), token_endpoint_auth_method=method
    )
    world.token_answers = [{"refresh_token": "refresh-1"}]
    assert (await world.call(provider)).status_code == 200
    provider.context.token_expiry_time = time.time() - 1
    await world.call(provider)
    code_form, refresh_form = world.forms()
    assert (code_form["grant_type"], refresh_form["grant_type"]) == ("authorization_code", "refresh_token")
    for form in (code_form, refresh_form):
        added = {name: form[name] for name in ("client_assertion", "client_assertion_type", "audience") if name in form}
        expected = {
            "client_assertion": "jwt",
            "client_assertion_type": ASSERTION_TYPE,
            "audience": "https://mcp.example/mcp",
        }
        assert added == (expected if method == "private_key_jwt" else {})


FULL = {"jwt_signing_key": KEY, "issuer": "i", "subject": "s", "audience": "a", "jwt_signing_algorithm": "HS256"}


@pytest.mark.parametrize(
    ("missing", "name"),
    [
        ("jwt_signing_key", "signing key"),
        ("issuer", "issuer"),
        ("subject", "subject"),
        ("audience", "audience"),
    ],
)
def test_incomplete_jwt_parameters(missing: str, name: str) -> None:
    """JWT-2"""
    parameters = JWTParameters(**{key: value for key, value in FULL.items() if key != missing})
    with pytest.raises(OAuthFlowError, match=f"^Missing {name} for JWT bearer grant$"):
        parameters.to_assertion()


def test_jwt_parameters() -> None:
    """JWT-2"""

    def decode(text: str) -> dict[str, Any]:
        return jwt.decode(text, KEY, ["HS256"], options={"verify_aud": False})

    assert decode(JWTParameters(**FULL).to_assertion("fallback"))["aud"] == "a"
    no_audience = JWTParameters(**{**FULL, "audience": None, "claims": {"sub": "other", "x": 1}})
    claims = decode(no_audience.to_assertion("fallback"))
    assert (claims["aud"], claims["sub"], claims["x"], claims["iss"]) == ("fallback", "other", 1, "i")
    assert claims["exp"] - claims["iat"] == 300
    assert JWTParameters(assertion="ready").to_assertion() == "ready"


async def test_missing_inputs(world: Any, make_storage: Any) -> None:
    """JWT-3"""
    provider = deprecated_provider(world, make_storage(), None, token_endpoint_auth_method="private_key_jwt")
    with pytest.raises(OAuthFlowError, match=r"^Missing client info$"):
        await provider._exchange_token_jwt_bearer()
    provider.context.client_info = OAuthClientInformationFull(client_id="c", redirect_uris=None)
    with pytest.raises(OAuthFlowError, match=r"^Missing JWT parameters$"):
        await provider._exchange_token_jwt_bearer()
    provider.jwt_parameters = JWTParameters(assertion="jwt")
    with pytest.raises(OAuthTokenError, match=r"^Missing OAuth metadata$"):
        await provider._exchange_token_jwt_bearer()
    provider.context.oauth_metadata = OAuthMetadata.model_validate(world.metadata())
    assert isinstance(await provider._exchange_token_jwt_bearer(), httpx.Request)
