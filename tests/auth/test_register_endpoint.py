"""Dynamic client registration (REG)."""

import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mcp.server.auth.provider import RegistrationError

pytestmark = pytest.mark.anyio

MakeHttp = Callable[..., httpx.AsyncClient]
REDIRECTS = ["https://client.example/cb"]


async def register(http: httpx.AsyncClient, **document: Any) -> httpx.Response:
    return await http.post("/register", json={"redirect_uris": REDIRECTS, **document})


def refusal(answer: httpx.Response) -> tuple[str, str]:
    assert answer.status_code == 400
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["error"], answer.json()["error_description"]


async def test_success(make_http: MakeHttp, provider: Any) -> None:
    """REG-1 REG-2 REG-14 REG-16"""
    async with make_http() as http:
        answer = await register(http, client_name="N")
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    client = answer.json()
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", client["client_id"])
    assert re.fullmatch(r"[0-9a-f]{64}", client["client_secret"])
    assert abs(client["client_id_issued_at"] - time.time()) < 5
    assert client["client_secret_expires_at"] == 0
    assert client["token_endpoint_auth_method"] == "client_secret_post"
    assert client["client_name"] == "N"
    assert None not in client.values()
    assert provider.clients[client["client_id"]].client_secret == client["client_secret"]


async def test_secret_lifetime(make_http: MakeHttp) -> None:
    """REG-1"""
    async with make_http(client_secret_expiry_seconds=60) as http:
        client = (await register(http)).json()
    assert client["client_secret_expires_at"] == client["client_id_issued_at"] + 60


async def test_public_client_gets_no_secret(make_http: MakeHttp) -> None:
    """REG-1 REG-14"""
    async with make_http(client_secret_expiry_seconds=60) as http:
        client = (await register(http, token_endpoint_auth_method="none")).json()
    assert "client_secret" not in client
    assert "client_secret_expires_at" not in client


@pytest.mark.parametrize("method", ["none", "client_secret_post", "client_secret_basic"])
async def test_auth_methods(make_http: MakeHttp, method: str) -> None:
    """REG-2"""
    async with make_http() as http:
        client = (await register(http, token_endpoint_auth_method=method)).json()
    assert client["token_endpoint_auth_method"] == method


async def test_auth_methods_that_token_would_refuse(make_http: MakeHttp) -> None:
    """REG-2 REG-13"""
    async with make_http() as http:
        error, text = refusal(await register(http, token_endpoint_auth_method="private_key_jwt"))
        assert error == "invalid_client_metadata"
        assert "private_key_jwt" in text
        assert refusal(await register(http, token_endpoint_auth_method="weird"))[0] == "invalid_client_metadata"


@pytest.mark.parametrize(("default", "scope"), [(["a", "b"], "a b"), (None, None)])
async def test_default_scope(make_http: MakeHttp, default: list[str] | None, scope: str | None) -> None:
    """REG-3"""
    async with make_http(default_scopes=default) as http:
        assert (await register(http)).json().get("scope") == scope
        assert (await register(http, scope="x")).json()["scope"] == "x"


async def test_invalid_scopes(make_http: MakeHttp) -> None:
    """REG-4"""
    async with make_http(valid_scopes=["a", "b"]) as http:
        assert (await register(http, scope="b a")).status_code == 201
        assert refusal(await register(http, scope="a x")) == (
            "invalid_client_metadata",
            "Requested scopes are not valid: {x}",
        )
        assert refusal(await register(http, scope="y x"))[1] == "Requested scopes are not valid: {x, y}"


@pytest.mark.parametrize("grants", [["authorization_code"], ["refresh_token"], ["client_credentials"], []])
async def test_grant_types(make_http: MakeHttp, grants: list[str]) -> None:
    """REG-5"""
    async with make_http() as http:
        assert refusal(await register(http, grant_types=grants)) == (
            "invalid_client_metadata",
            "grant_types must be authorization_code and refresh_token",
        )
        both = ["refresh_token", "authorization_code", "extra"]
        assert (await register(http, grant_types=both)).json()["grant_types"] == both


async def test_response_types(make_http: MakeHttp) -> None:
    """REG-6"""
    async with make_http() as http:
        assert refusal(await register(http, response_types=["token"])) == (
            "invalid_client_metadata",
            "response_types must include 'code' for authorization_code grant",
        )
        assert (await register(http, response_types=["code", "none"])).status_code == 201


@pytest.mark.parametrize(
    ("document", "first_line"),
    [
        ({}, "redirect_uris: Field required"),
        ({"redirect_uris": ["nonsense"]}, "redirect_uris.0: Input should be a valid URL"),
        ({"redirect_uris": []}, "redirect_uris: List should have at least 1 item"),
        ({"redirect_uris": REDIRECTS, "client_uri": "nonsense"}, "client_uri: Input should be a valid URL"),
    ],
)
async def test_invalid_fields(make_http: MakeHttp, document: dict[str, Any], first_line: str) -> None:
    """REG-7"""
    async with make_http() as http:
        error, text = refusal(await http.post("/register", json=document))
    assert error == "invalid_client_metadata"
    assert text.startswith(first_line)


async def test_one_line_per_error(make_http: MakeHttp) -> None:
    """REG-7"""
    async with make_http() as http:
        _, text = refusal(await http.post("/register", json={"scope": 1}))
    assert [line.partition(":")[0] for line in text.split("\n")] == ["redirect_uris", "scope"]


async def test_order_of_checks(make_http: MakeHttp, provider: Any) -> None:
    """REG-8"""
    provider.error = RegistrationError("unapproved_software_statement", "last")
    wrong: dict[str, Any] = {"scope": "x", "grant_types": [], "response_types": []}
    async with make_http(valid_scopes=["a"]) as http:
        texts: list[str] = []
        for remove in ("redirect_uris", "scope", "grant_types", "response_types"):
            document = {**wrong} if remove == "redirect_uris" else {"redirect_uris": REDIRECTS, **wrong}
            texts.append(refusal(await http.post("/register", json=document))[1])
            wrong.pop(remove, None)
        texts.append(refusal(await register(http))[1])
    assert [text[:12] for text in texts] == ["redirect_uri", "Requested sc", "grant_types ", "response_typ", "last"]


async def test_ignored_members(make_http: MakeHttp) -> None:
    """REG-9"""
    async with make_http() as http:
        client = (
            await register(http, client_id="mine", client_secret="mine", unknown=1, client_uri="", issuer="x")
        ).json()
    assert client["client_id"] != "mine"
    assert client["client_secret"] != "mine"
    assert not {"unknown", "client_uri", "issuer"} & set(client)


async def test_provider_errors(make_http: MakeHttp, provider: Any) -> None:
    """REG-10"""
    provider.error = RegistrationError("invalid_software_statement", "no")
    async with make_http() as http:
        assert refusal(await register(http)) == ("invalid_software_statement", "no")
    provider.error = RegistrationError("invalid_redirect_uri")
    async with make_http() as http:
        assert (await register(http)).json() == {"error": "invalid_redirect_uri"}
    provider.error = RuntimeError("boom")
    async with make_http(raise_app_exceptions=False) as http:
        assert (await register(http)).status_code == 500


@pytest.mark.parametrize("body", [b"", b"nonsense", b"\xff\xfe", b"[]", b"{" * 5000, b'"text"', b"null"])
async def test_bodies_that_are_no_json_object(make_http: MakeHttp, body: bytes) -> None:
    """REG-11"""
    async with make_http() as http:
        assert refusal(await http.post("/register", content=body))[0] == "invalid_client_metadata"


async def test_null_redirect_uris(make_http: MakeHttp) -> None:
    """REG-12"""
    async with make_http() as http:
        assert refusal(await http.post("/register", json={"redirect_uris": None}))[0] == "invalid_redirect_uri"


@pytest.mark.parametrize("uri", ["cursor://auth/callback", "com.example.app:/cb", "http://remote.example/cb"])
async def test_redirect_uris_of_any_scheme(make_http: MakeHttp, uri: str) -> None:
    """REG-15"""
    async with make_http() as http:
        assert (await register(http, redirect_uris=[uri])).status_code == 201
