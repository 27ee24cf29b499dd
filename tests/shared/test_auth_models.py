"""OAuth documents and resource identifiers (contract session.md, SES-60 to SES-67)."""

import json

import pytest
from pydantic import AnyUrl, ValidationError

from mcp.shared.auth import (
    InvalidRedirectUriError,
    InvalidScopeError,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)
from mcp.shared.auth_utils import calculate_token_expiry, check_resource_allowed, resource_url_from_server_url

CALLBACK = AnyUrl("http://localhost/cb")


def client(**fields: object) -> OAuthClientMetadata:
    return OAuthClientMetadata.model_validate({"redirect_uris": ["http://localhost/cb"], **fields})


@pytest.mark.parametrize(
    ("model", "document"),
    [
        (OAuthToken, {"access_token": "t"}),
        (OAuthClientMetadata, {"redirect_uris": None}),
        (OAuthClientInformationFull, {"redirect_uris": None, "client_id": "c"}),
        (
            OAuthMetadata,
            {"issuer": "https://a", "authorization_endpoint": "https://a/a", "token_endpoint": "https://a/t"},
        ),
        (ProtectedResourceMetadata, {"resource": "https://r", "authorization_servers": ["https://a"]}),
    ],
)
def test_unknown_members_are_ignored_and_not_kept(model: type, document: dict[str, object]) -> None:
    """SES-60"""
    parsed = model.model_validate({**document, "x_unknown": 1})
    assert "x_unknown" not in parsed.model_dump()
    assert not parsed.model_extra


@pytest.mark.parametrize("spelling", ["Bearer", "bearer", "BEARER"])
def test_token_type_in_any_case_is_stored_as_bearer(spelling: str) -> None:
    """SES-61 AUTHZ-10"""
    assert OAuthToken.model_validate({"access_token": "t", "token_type": spelling}).token_type == "Bearer"


@pytest.mark.parametrize("other", ["mac", "DPoP", "", None, 3])
def test_other_token_types_are_rejected(other: object) -> None:
    """SES-61 AUTHZ-10"""
    with pytest.raises(ValidationError):
        OAuthToken.model_validate({"access_token": "t", "token_type": other})


def test_expires_in_accepts_a_numeric_string() -> None:
    """SES-61"""
    assert OAuthToken.model_validate_json('{"access_token": "t", "expires_in": "3600"}').expires_in == 3600


def test_validation_errors_do_not_show_tokens() -> None:
    with pytest.raises(ValidationError) as caught:
        OAuthToken.model_validate({"access_token": "s3cret", "expires_in": "s3cret"})
    assert "s3cret" not in str(caught.value)


def test_redirect_uris_are_required_may_be_none_and_not_empty() -> None:
    """SES-62"""
    with pytest.raises(ValidationError):
        OAuthClientMetadata.model_validate({})
    with pytest.raises(ValidationError):
        OAuthClientMetadata(redirect_uris=[])
    assert OAuthClientMetadata(redirect_uris=None).redirect_uris is None


def test_defaults_of_client_metadata() -> None:
    """SES-62"""
    metadata = client()
    assert metadata.grant_types == ["authorization_code", "refresh_token"]
    assert metadata.response_types == ["code"]
    assert metadata.token_endpoint_auth_method is None


@pytest.mark.parametrize("name", ["client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri"])
def test_empty_optional_urls_become_none(name: str) -> None:
    """SES-62 DCR-7"""
    assert getattr(client(**{name: ""}), name) is None
    assert str(getattr(client(**{name: "https://x/y"}), name)) == "https://x/y"


def test_scope_validation() -> None:
    """SES-63"""
    assert client(scope="a b").validate_scope(None) is None
    assert client(scope="a b").validate_scope("b a") == ["b", "a"]


@pytest.mark.parametrize(
    ("registered", "requested", "named"), [("a", "a x", "x"), (None, "a", "a"), ("a", "", ""), ("a", "a  a", "")]
)
def test_unregistered_scope(registered: str | None, requested: str, named: str) -> None:
    """SES-63"""
    with pytest.raises(InvalidScopeError) as caught:
        client(scope=registered).validate_scope(requested)
    assert caught.value.message == f"Client was not registered with scope {named}"
    assert str(caught.value) == caught.value.message


def test_redirect_uri_validation() -> None:
    """SES-64"""
    one, two = client(), client(redirect_uris=["http://localhost/cb", "http://localhost/other"])
    assert one.validate_redirect_uri(CALLBACK) == CALLBACK
    assert one.validate_redirect_uri(None) == CALLBACK
    with pytest.raises(InvalidRedirectUriError) as caught:
        one.validate_redirect_uri(AnyUrl("http://localhost:1/cb"))
    assert caught.value.message == "Redirect URI 'http://localhost:1/cb' not registered for client"
    for none_or_several in (two, client(redirect_uris=None)):
        with pytest.raises(InvalidRedirectUriError) as caught:
            none_or_several.validate_redirect_uri(None)
        assert caught.value.message == "redirect_uri must be specified when client has multiple registered URIs"


def test_protected_resource_metadata() -> None:
    """SES-65"""
    with pytest.raises(ValidationError):
        ProtectedResourceMetadata.model_validate({"resource": "https://r", "authorization_servers": []})
    metadata = ProtectedResourceMetadata.model_validate(
        {"resource": "https://r", "authorization_servers": ["https://a"]}
    )
    assert metadata.bearer_methods_supported == ["header"]


def test_members_of_later_revisions_are_read_but_not_in_the_schema() -> None:
    """R26-144 R26-151"""
    assert client(application_type="native").application_type == "native"
    assert "application_type" not in OAuthClientMetadata.model_json_schema()["properties"]
    assert "iss_parameter" not in json.dumps(OAuthMetadata.model_json_schema()["properties"])


@pytest.mark.parametrize(
    ("url", "resource"),
    [
        ("HTTPS://Example.COM/Path?q=A#frag", "https://example.com/Path?q=A"),
        ("https://example.com", "https://example.com"),
        ("https://example.com/", "https://example.com/"),
        ("https://example.com:443/x/", "https://example.com:443/x/"),
        ("https://User:PassWord@Example.com:8443/x", "https://User:PassWord@example.com:8443/x"),
    ],
)
def test_resource_url(url: str, resource: str) -> None:
    """SES-66 RSRC-3 RSRC-4"""
    assert resource_url_from_server_url(url) == resource
    assert resource_url_from_server_url(AnyUrl("https://Example.com/x#f")) == "https://example.com/x"


@pytest.mark.parametrize(
    ("requested", "configured", "allowed"),
    [
        ("https://a/api/v1", "https://a/api", True),
        ("https://a/api", "https://a/api/", True),
        ("https://a/api/", "https://a/api", True),
        ("https://a/api123", "https://a/api", False),
        ("https://a/api", "https://a/api/v1", False),
        ("https://a/API", "https://a/api", False),
        ("https://a/x?q=1", "https://a/", True),
        ("https://A/x", "HTTPS://a", True),
        ("http://a/x", "https://a/x", False),
        ("https://a:8443/x", "https://a/x", False),
        ("https://b/x", "https://a/x", False),
        ("https://a.evil/x", "https://a/x", False),
        # PRD-6: default ports are equal
        ("https://a:443/x", "https://a/x", True),
        ("http://a/x", "http://a:80/x", True),
        ("https://a:80/x", "https://a/x", False),
        ("https://a:bad/x", "https://a:bad/x", False),
        ("https://a/x", "https://a:99999/x", False),
        ("https://a/x", "https://[a/x", False),
        ("mcp", "mcp", False),
    ],
)
def test_resource_covers(requested: str, configured: str, allowed: bool) -> None:
    """SES-67 PRD-5 PRD-6"""
    assert check_resource_allowed(requested, configured) is allowed


def test_token_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1000.0)
    assert calculate_token_expiry(None) is None
    assert calculate_token_expiry(0) == 1000.0
    assert calculate_token_expiry("60") == 1060.0
