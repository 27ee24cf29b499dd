"""Attacks on the client: each is refused before a secret leaves, with the error of the contract."""

from typing import Any

import httpx
import pytest

from mcp.client.auth import AuthorizationResponse, OAuthClientProvider, OAuthFlowError, OAuthTokenError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

pytestmark = pytest.mark.anyio

MCP = "POST https://mcp.example/mcp"
PRM = "GET https://mcp.example/.well-known/oauth-protected-resource/mcp"
ASM = "GET https://as.example/.well-known/oauth-authorization-server"
REGISTER = "POST https://as.example/register"
TOKEN = "POST https://as.example/token"
EVIL = "https://evil.example"
EVIL_ASM = "GET https://evil.example/.well-known/oauth-authorization-server"


def make(world: Any, make_storage: Any, tokens: bool = True) -> OAuthClientProvider:
    """A provider with tokens and a secret of https://as.example."""
    client = OAuthClientInformationFull.model_validate(
        {
            "client_id": "stored",
            "client_secret": "s3cret",
            "redirect_uris": ["http://localhost:3030/callback"],
            "issuer": "https://as.example",
        }
    )
    held = OAuthToken(access_token="token-old", refresh_token="refresh-old") if tokens else None
    return OAuthClientProvider(**world.arguments(storage=make_storage(held, client)))


def assert_nothing_reached(world: Any, *hosts: str) -> None:
    for host in hosts or ("evil.example",):
        assert world.secrets_sent_to(host) == []


async def test_mix_up_of_authorization_servers(world: Any, make_storage: Any) -> None:
    """R26-142 R26-143: the user was sent to one server and came back from another."""
    world.callback = lambda query: world.rich(query, iss="https://honest.example")
    with pytest.raises(OAuthFlowError, match=r"^Authorization response issuer mismatch: https://honest.example != "):
        await world.call(make(world, make_storage, tokens=False))
    assert TOKEN not in world.log
    assert_nothing_reached(world, "as.example")


async def test_mix_up_without_issuer_although_promised(world: Any, make_storage: Any) -> None:
    """R26-144"""
    world.answers[ASM]["authorization_response_iss_parameter_supported"] = True
    world.callback = lambda query: world.rich(query)
    with pytest.raises(OAuthFlowError, match=r"^Authorization response issuer mismatch: None != https://as.example$"):
        await world.call(make(world, make_storage, tokens=False))
    assert_nothing_reached(world, "as.example")


@pytest.mark.parametrize("iss", ["https://as.example", "https://as.example/"])
async def test_issuer_is_compared_to_the_letter(world: Any, make_storage: Any, iss: str) -> None:
    """R26-143: the text of the metadata counts, without normalization."""
    for written in ("https://as.example", "https://as.example/"):
        world.answers[ASM]["issuer"] = written
        world.callback = lambda query: world.rich(query, iss=iss)
        provider = make(world, make_storage, tokens=False)
        if iss == written:
            assert (await world.call(provider)).status_code == 200
            world.good_tokens.clear()
        else:
            with pytest.raises(OAuthFlowError, match="issuer mismatch"):
                await world.call(provider)


async def test_text_of_a_foreign_error_is_not_shown(world: Any, make_storage: Any) -> None:
    """R26-145"""
    world.callback = lambda query: AuthorizationResponse(
        state=query["state"], iss=EVIL, error="e", error_description="call this number"
    )
    with pytest.raises(OAuthFlowError) as caught:
        await world.call(make(world, make_storage, tokens=False))
    assert "call this number" not in str(caught.value)
    assert caught.value.error_description is None


async def test_wrong_issuer_in_metadata(world: Any, make_storage: Any) -> None:
    """ASD-5 R26-146"""
    world.answers[ASM] = world.metadata("https://victim.example", token_endpoint=EVIL + "/token")
    text = "^Authorization server metadata issuer mismatch: https://victim.example/ != https://as.example/$"
    with pytest.raises(OAuthFlowError, match=text):
        await world.call(make(world, make_storage))
    assert not world.opened
    assert_nothing_reached(world, "evil.example", "as.example")


@pytest.mark.parametrize("miss", [404, 302, "invalid"])
async def test_forged_metadata_after_a_miss(world: Any, make_storage: Any, miss: int | str) -> None:
    """ASD-4 ASD-5: the second place that is asked is no less checked than the first."""
    world.answers[ASM] = {} if miss == "invalid" else httpx.Response(miss)  # type: ignore[arg-type]
    forged = world.metadata("https://other.example", token_endpoint=EVIL + "/token")
    world.answers["GET https://as.example/.well-known/openid-configuration"] = forged
    with pytest.raises(OAuthFlowError, match=r"issuer mismatch: https://other.example/ != https://as.example/"):
        await world.call(make(world, make_storage))
    assert_nothing_reached(world, "evil.example", "other.example", "as.example")


async def test_forged_legacy_metadata_after_a_404(world: Any, make_storage: Any) -> None:
    """ASD-5: without resource metadata the issuer is the server's origin, not what the document says."""
    del world.answers[PRM]
    world.answers["GET https://mcp.example/.well-known/oauth-authorization-server"] = world.metadata(EVIL)
    with pytest.raises(OAuthFlowError, match=r"issuer mismatch: https://evil.example/ != https://mcp.example/"):
        await world.call(make(world, make_storage))
    assert_nothing_reached(world)


async def test_resource_metadata_that_point_elsewhere(world: Any, make_storage: Any) -> None:
    """BIND-2 R26-153: a taken-over MCP server gets no secrets of the former authorization server."""
    world.answers[PRM]["authorization_servers"] = [EVIL]
    world.answers[EVIL_ASM] = world.metadata(EVIL)
    world.answers["POST https://evil.example/register"] = world.serve_registration

    def stop(query: dict[str, str]) -> Any:
        raise OAuthFlowError("the user looked at the address bar")

    world.callback = stop
    with pytest.raises(OAuthFlowError, match="address bar"):
        await world.call(make(world, make_storage))
    assert_nothing_reached(world)


@pytest.mark.parametrize(
    "resource",
    [
        "https://evil.example/mcp",
        "https://mcp.example.evil.example/mcp",
        "https://mcp.example:8443/mcp",
        "http://mcp.example/mcp",
        "https://mcp.example/mcp/deeper",
        "https://mcp.example/mc",
    ],
)
async def test_wrong_audience(world: Any, make_storage: Any, resource: str) -> None:
    """PRD-5: tokens are asked for this resource or not at all."""
    world.answers[PRM]["resource"] = resource
    with pytest.raises(
        OAuthFlowError, match=r"^Protected resource .* does not match expected https://mcp.example/mcp$"
    ):
        await world.call(make(world, make_storage))
    assert world.log == [MCP, PRM]


async def test_state_replay(world: Any, make_storage: Any) -> None:
    """AUTHZ-5"""
    provider = make(world, make_storage, tokens=False)
    await world.call(provider)
    former = world.opened[0]["state"]
    world.good_tokens.clear()
    world.seen.clear()
    world.callback = lambda query: ("stolen-code", former)
    with pytest.raises(OAuthFlowError, match=r"^State parameter mismatch: "):
        await world.call(provider)
    assert TOKEN not in world.log


async def test_every_flow_has_its_own_state_and_verifier(world: Any, make_storage: Any) -> None:
    """AUTHZ-3"""
    provider = make(world, make_storage, tokens=False)
    for _ in range(3):
        await world.call(provider)
        world.good_tokens.clear()
    assert len({opened["state"] for opened in world.opened}) == 3
    assert len({form["code_verifier"] for form in world.forms()}) == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["token", "register", "metadata", "resource"])
async def test_redirects_to_another_origin(world: Any, make_storage: Any, status: int, place: str) -> None:
    """CL-17 DCR-4 AUTHZ-9: nothing is sent on, and a document found there does not count."""
    urls = {"token": TOKEN, "register": REGISTER, "metadata": ASM, "resource": PRM}
    world.answers[urls[place]] = httpx.Response(status, headers={"location": f"{EVIL}/{place}"})
    world.answers[f"GET {EVIL}/metadata"] = world.metadata(token_endpoint=EVIL + "/token")
    world.answers[f"GET {EVIL}/resource"] = {"resource": world.server_url, "authorization_servers": [EVIL]}
    provider = OAuthClientProvider(**world.arguments()) if place == "register" else make(world, make_storage, False)
    if place in ("token", "register"):
        with pytest.raises(OAuthFlowError, match=rf"redirected to {EVIL}/{place}; not followed\)"):
            await world.call(provider)
    else:
        # Legacy fallback on the server's own origin, where nothing is.
        with pytest.raises(OAuthFlowError):
            await world.call(provider)
    assert not [request for request in world.seen if request.url.host == "evil.example"]


async def test_refresh_is_not_redirected(world: Any, make_storage: Any) -> None:
    """CL-17 REFR-5"""
    world.answers[TOKEN] = httpx.Response(307, headers={"location": EVIL})
    with pytest.raises(OAuthTokenError):
        await world.call(make(world, make_storage))
    assert not [request for request in world.seen if request.url.host == "evil.example"]


async def test_downgraded_token_endpoint(world: Any, make_storage: Any) -> None:
    """An https issuer whose token endpoint is plain http gets no secret."""
    world.answers[ASM]["token_endpoint"] = "http://as.example/token"
    with pytest.raises(OAuthFlowError, match=r"insecure token_endpoint: http://as.example/token"):
        await world.call(make(world, make_storage))
    assert_nothing_reached(world, "as.example")


async def test_client_secret_of_a_machine_goes_to_its_issuer_only(world: Any, make_storage: Any) -> None:
    """CC-6"""
    world.answers[PRM]["authorization_servers"] = [EVIL]
    world.answers[EVIL_ASM] = world.metadata(EVIL)
    provider = ClientCredentialsOAuthProvider(
        world.server_url, make_storage(), "cid", "s3cret", issuer="https://as.example"
    )
    with pytest.raises(OAuthFlowError, match=r"issuer mismatch: https://evil.example/ != https://as.example"):
        await world.call(provider)
    assert_nothing_reached(world)


@pytest.mark.parametrize("place", ["token", "register", "metadata", "resource"])
async def test_endless_answers(world: Any, make_storage: Any, place: str) -> None:
    """PRD-3 ASD-4 DCR-5 AUTHZ-9: what does not end within 1 MiB is no document."""

    class Endless(httpx.AsyncByteStream):
        given = 0

        def __aiter__(self) -> "Endless":
            return self

        async def __anext__(self) -> bytes:
            self.given += 65536
            assert self.given < 4_000_000
            return b'{"' + b"x" * 65534

    body = Endless()

    async def handle(request: httpx.Request) -> httpx.Response:
        answer = await world(request)
        urls = {"token": TOKEN, "register": REGISTER, "metadata": ASM, "resource": PRM}
        if f"{request.method} {request.url}" == urls[place]:
            return httpx.Response(200, stream=body)
        return answer

    provider = OAuthClientProvider(**world.arguments())
    async with httpx.AsyncClient(transport=httpx.MockTransport(handle), auth=provider) as http:
        with pytest.raises(OAuthFlowError):
            await http.post(world.server_url)
    assert body.given > 1_000_000


async def test_an_endless_401(world: Any, make_storage: Any) -> None:
    """The body of the refusal is of no interest."""

    class Endless(httpx.AsyncByteStream):
        def __aiter__(self) -> "Endless":
            return self

        async def __anext__(self) -> bytes:
            return b"x" * 65536

    async def handle(request: httpx.Request) -> httpx.Response:
        answer = await world(request)
        return httpx.Response(401, stream=Endless()) if answer.status_code == 401 else answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle), auth=make(world, make_storage)) as http:
        assert (await http.post(world.server_url)).status_code == 200
