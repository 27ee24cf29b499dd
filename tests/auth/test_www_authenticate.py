"""Reading challenges (WWW-1 to WWW-3)."""

import httpx
import pytest

from mcp.client.auth._challenge import parse_challenges
from mcp.client.auth.utils import (
    extract_field_from_www_auth,
    extract_resource_metadata_from_www_auth,
    extract_scope_from_www_auth,
)

PRM = "https://mcp.example/.well-known/oauth-protected-resource"


def response(*headers: str, status: int = 401) -> httpx.Response:
    return httpx.Response(status, headers=[("WWW-Authenticate", header) for header in headers])


@pytest.mark.parametrize(
    ("header", "field", "value"),
    [
        ('Bearer error="invalid_token", scope="read write"', "error", "invalid_token"),
        ('Bearer error="invalid_token", scope="read write"', "scope", "read write"),
        ("Bearer error=invalid_token, scope=read", "scope", "read"),
        ("Bearer error=insufficient_scope scope=read", "scope", "read"),
        (f'Bearer resource_metadata="{PRM}?a=b"', "resource_metadata", PRM + "?a=b"),
        (f"Bearer resource_metadata={PRM}?a=b", "resource_metadata", PRM + "?a=b"),
        ('Bearer realm="x"', "scope", None),
        ("Bearer", "scope", None),
        ("", "scope", None),
        ('bearer SCOPE = "a"', "scope", "a"),
        ('Bearer scope="a \\"b\\" \\\\c"', "scope", 'a "b" \\c'),
        ('Bearer scope="a, error=b", error="c"', "error", "c"),
        ('scope="no scheme"', "scope", "no scheme"),
        # WWW-2
        ('Bearer xerror="y"', "error", None),
        ('Bearer error_description="scope=zz"', "scope", None),
        ('Bearer error=""', "error", ""),
        ('Bearer scope="unterminated', "scope", None),
        ('Bearer scope="first", scope="second"', "scope", "first"),
        # other schemes beside it
        ('Basic realm="b", error="basic", Bearer error="bearer"', "error", "bearer"),
        ('Negotiate abc==, Bearer scope="a"', "scope", "a"),
        ('DPoP algs="ES256", error="dpop"', "error", "dpop"),
    ],
)
def test_fields(header: str, field: str, value: str | None) -> None:
    """WWW-1 WWW-2"""
    assert extract_field_from_www_auth(response(header), field) == value


def test_several_headers() -> None:
    """WWW-2"""
    found = response('Basic scope="basic"', 'Bearer error="e"', 'Bearer scope="bearer"')
    assert extract_scope_from_www_auth(found) == "bearer"
    assert extract_field_from_www_auth(found, "error") == "e"
    assert extract_scope_from_www_auth(httpx.Response(401)) is None


@pytest.mark.parametrize(("status", "used"), [(401, True), (403, True), (200, False), (400, False), (500, False)])
def test_resource_metadata_counts_for_401_and_403(status: int, used: bool) -> None:
    """WWW-3"""
    found = extract_resource_metadata_from_www_auth(response(f'Bearer resource_metadata="{PRM}"', status=status))
    assert found == (PRM if used else None)


def test_challenges_are_told_apart() -> None:
    """WWW-2"""
    assert parse_challenges(['Basic realm="a", charset=UTF-8, Bearer', 'DPoP x="1"']) == [
        ("basic", {"realm": "a", "charset": "UTF-8"}),
        ("bearer", {}),
        ("dpop", {"x": "1"}),
    ]
