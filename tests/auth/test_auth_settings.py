"""Settings (ASET-1 to ASET-5)."""

import subprocess
import sys
import warnings

import pytest
from pydantic import AnyHttpUrl, ValidationError

from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions

ISSUER = AnyHttpUrl("https://auth.example.com")
RESOURCE = AnyHttpUrl("https://mcp.example.com/mcp")


def test_required_keys() -> None:
    """ASET-1"""
    assert AuthSettings(issuer_url=ISSUER, resource_server_url=None).resource_server_url is None
    for document in ({"issuer_url": "https://a"}, {"resource_server_url": None}):
        with pytest.raises(ValidationError, match="Field required"):
            AuthSettings.model_validate(document)


def test_defaults() -> None:
    """ASET-2 ASET-5"""
    settings = AuthSettings(issuer_url=ISSUER, resource_server_url=None)
    assert settings.model_dump(exclude={"issuer_url"}) == dict.fromkeys(
        (
            "service_documentation_url",
            "client_registration_options",
            "revocation_options",
            "required_scopes",
            "resource_server_url",
            "validate_token_resource",
        )
    )
    assert ClientRegistrationOptions().model_dump() == {
        "enabled": False,
        "client_secret_expiry_seconds": None,
        "valid_scopes": None,
        "default_scopes": None,
    }
    assert RevocationOptions().enabled is False


def test_resource_validation_needs_a_resource() -> None:
    """ASET-3"""
    with pytest.raises(ValidationError, match="validate_token_resource requires resource_server_url"):
        AuthSettings(issuer_url=ISSUER, resource_server_url=None, validate_token_resource=True)


def test_unset_resource_validation_warns_the_caller() -> None:
    """ASET-4"""
    with pytest.warns(DeprecationWarning, match=r"^`AuthSettings.validate_token_resource` is not set") as caught:
        AuthSettings(issuer_url=ISSUER, resource_server_url=RESOURCE)
    with pytest.warns(DeprecationWarning, match="validate_token_resource") as validated:
        AuthSettings.model_validate({"issuer_url": "https://a", "resource_server_url": "https://r"})
    assert caught[0].filename == validated[0].filename == __file__


@pytest.mark.parametrize("value", [True, False])
def test_set_resource_validation_does_not_warn(value: bool) -> None:
    """ASET-4"""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AuthSettings(issuer_url=ISSUER, resource_server_url=RESOURCE, validate_token_resource=value)
        AuthSettings(issuer_url=ISSUER, resource_server_url=None)


@pytest.mark.parametrize(
    "module",
    [
        "mcp.shared.auth",
        "mcp.shared.auth_utils",
        "mcp.server.auth.settings",
        "mcp.server.auth.provider",
        "mcp.server.transport_security",
    ],
)
def test_models_load_no_web_framework(module: str) -> None:
    program = f"import sys, {module}; print([m for m in ('httpx', 'starlette', 'jwt', 'uvicorn') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert run.stdout.strip() == "[]"


def test_jwt_is_loaded_only_to_sign() -> None:
    program = "import sys, mcp.client.auth.extensions.client_credentials; print('jwt' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert run.stdout.strip() == "False"
