"""What a server is told by arguments, environment and `.env`, and what it says about itself."""

import importlib.metadata
import inspect
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

import mcp.server.fastmcp as face
import mcp.server.fastmcp.server as module
from mcp.server.auth.provider import ProviderTokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.fastmcp import FastMCP, Icon
from mcp.server.fastmcp.server import Settings
from mcp.server.lowlevel.server import Server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.memory import create_connected_server_and_client_session as connect
from mcp.types import EmptyResult, LoggingCapability

pytestmark = pytest.mark.anyio

AUTH: Any = {"issuer_url": "https://auth.example.com", "resource_server_url": None}

DEFAULTS = {
    "debug": False,
    "log_level": "INFO",
    "host": "127.0.0.1",
    "port": 8000,
    "mount_path": "/",
    "sse_path": "/sse",
    "message_path": "/messages/",
    "streamable_http_path": "/mcp",
    "json_response": False,
    "stateless_http": False,
    "max_request_body_size": 4194304,
    "session_idle_timeout": 1800.0,
    "max_sessions": 10000,
    "warn_on_duplicate_tools": True,
    "warn_on_duplicate_resources": True,
    "warn_on_duplicate_prompts": True,
    "dependencies": [],
    "lifespan": None,
    "auth": None,
}


class Verifier:
    async def verify_token(self, token: str) -> None:
        return None


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@asynccontextmanager
async def lifespan(app: Any):
    yield {}


def test_constructor_parameters():
    """SRV-1"""
    parameters = inspect.signature(FastMCP).parameters
    positional = [name for name, parameter in parameters.items() if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    assert positional == [
        "name",
        "instructions",
        "website_url",
        "icons",
        "auth_server_provider",
        "token_verifier",
        "event_store",
        "retry_interval",
    ]
    store: Any = object()
    mcp = FastMCP("n", "i", "https://w", [Icon(src="s")], None, None, store, 5)
    assert (mcp.name, mcp.instructions, mcp.website_url, mcp.icons) == ("n", "i", "https://w", [Icon(src="s")])
    assert (mcp._event_store, mcp._retry_interval) == (store, 5)
    with pytest.raises(TypeError):
        FastMCP("n", None, None, None, None, None, None, None, [])  # pyright: ignore


@pytest.mark.parametrize("name", [None, ""])
async def test_what_the_server_says_about_itself(name: str | None):
    """SRV-2, SRV-3"""
    mcp = FastMCP(name, instructions="i", website_url="https://w", icons=[Icon(src="s")])
    assert mcp.name == "FastMCP"
    for attribute in ("name", "instructions", "website_url", "icons", "session_manager"):
        with pytest.raises(AttributeError):
            setattr(mcp, attribute, "x")
    async with connect(mcp) as client:
        # `connect` has initialized; the options tell what was sent.
        assert client.get_server_capabilities() is not None
    options = mcp._mcp_server.create_initialization_options()
    assert options.server_name == "FastMCP"
    assert options.server_version == importlib.metadata.version("mcp")
    assert (options.instructions, options.website_url, options.icons) == ("i", "https://w", [Icon(src="s")])
    with pytest.raises(TypeError):
        FastMCP(version="1")  # pyright: ignore


def test_defaults():
    """SRV-4"""
    settings = FastMCP().settings
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS
    assert type(settings.session_idle_timeout) is float
    assert isinstance(settings, Settings)
    assert (settings.sync_in_threads, settings.mask_error_details) == (False, False)


def test_settings_are_mutable():
    """SRV-5: before and after the object was first looked at."""
    mcp = FastMCP(streamable_http_path="/first", json_response=True)
    mcp.settings.streamable_http_path = "/second"
    mcp.settings.stateless_http = True
    app = mcp.streamable_http_app()
    assert [route.path for route in app.routes] == ["/second"]  # pyright: ignore
    assert (mcp.session_manager.stateless, mcp.session_manager.json_response) == (True, True)
    other = FastMCP()
    other.settings = mcp.settings
    assert other._option("streamable_http_path") == "/second"


@pytest.mark.parametrize("from_file", [True, False])
def test_environment_counts_where_nothing_is_given(
    empty_directory: Path, monkeypatch: pytest.MonkeyPatch, from_file: bool
):
    """SRV-6, SRV-8"""
    variables = {
        "FASTMCP_PORT": "9000",
        "FASTMCP_DEBUG": "true",
        "fastmcp_host": "0.0.0.0",
        "FASTMCP_SESSION_IDLE_TIMEOUT": "60",
        "FASTMCP_DEPENDENCIES": '["a", "b"]',
        "FASTMCP_SYNC_IN_THREADS": "1",
        "FASTMCP_MASK_ERROR_DETAILS": "1",
        "FASTMCP_UNKNOWN": "x",
        "FASTMCP_TRANSPORT_SECURITY__ALLOWED_HOSTS": '["h"]',
        "FASTMCP_WARN_ON_DUPLICATE_TOOLS": "no",
    }
    if from_file:
        (empty_directory / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    else:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
    mcp = FastMCP(debug=False, log_level="ERROR")
    settings = mcp.settings
    assert (settings.port, settings.host, settings.session_idle_timeout) == (9000, "0.0.0.0", 60)
    assert (settings.debug, settings.log_level) == (False, "ERROR")
    assert mcp.dependencies == settings.dependencies == ["a", "b"]
    assert (settings.sync_in_threads, settings.mask_error_details) == (True, True)
    assert settings.transport_security == TransportSecuritySettings(allowed_hosts=["h"])
    assert mcp._tool_manager.warn_on_duplicate_tools is False
    assert settings.sse_path == "/sse"


def test_order_of_precedence(empty_directory: Path, monkeypatch: pytest.MonkeyPatch):
    """SRV-6: argument, environment, file, default; an argument that equals the default counts too."""
    (empty_directory / ".env").write_text(
        "FASTMCP_PORT=1\nFASTMCP_SSE_PATH=/file\nFASTMCP_AUTH__ISSUER_URL=https://file\n"
        'FASTMCP_AUTH__REQUIRED_SCOPES=["s"]\n'
    )
    monkeypatch.setenv("FASTMCP_PORT", "2")
    monkeypatch.setenv("FASTMCP_AUTH__ISSUER_URL", "https://environment")
    monkeypatch.setenv("FASTMCP_AUTH__RESOURCE_SERVER_URL", "null")
    with pytest.raises(SettingsError, match=r"FASTMCP_AUTH__RESOURCE_SERVER_URL"):
        FastMCP()
    monkeypatch.setenv("FASTMCP_AUTH__RESOURCE_SERVER_URL", "https://resource")
    monkeypatch.setenv("FASTMCP_AUTH__VALIDATE_TOKEN_RESOURCE", "true")
    mcp = FastMCP(token_verifier=Verifier())
    assert (mcp.settings.port, mcp.settings.sse_path, mcp.settings.message_path) == (2, "/file", "/messages/")
    assert mcp.settings.auth is not None
    assert str(mcp.settings.auth.issuer_url) == "https://environment/"
    assert mcp.settings.auth.required_scopes == ["s"]

    mcp = FastMCP(port=8000, auth=None)
    assert (mcp.settings.port, mcp.settings.sse_path, mcp.settings.auth) == (8000, "/file", None)


def test_name_without_value_in_the_file(empty_directory: Path):
    """SRV-6: says nothing."""
    (empty_directory / ".env").write_text("FASTMCP_PORT\nFASTMCP_HOST=h\n")
    settings = FastMCP().settings
    assert (settings.port, settings.host) == (8000, "h")


class Sub(FastMCP):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__("sub", debug=True, **kwargs)


def test_subclasses_that_pass_arguments_on(monkeypatch: pytest.MonkeyPatch):
    """SRV-6"""
    monkeypatch.setenv("FASTMCP_DEBUG", "false")
    monkeypatch.setenv("FASTMCP_PORT", "9000")
    assert (Sub().settings.debug, Sub().settings.port, Sub(port=1).settings.port) == (True, 9000, 1)


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("FASTMCP_DEPENDENCIES", "x", "FASTMCP_DEPENDENCIES: "),
        ("FASTMCP_PORT", "abc", "FASTMCP_PORT: Input should be a valid integer"),
        ("FASTMCP_LOG_LEVEL", "info", "FASTMCP_LOG_LEVEL: Input should be 'DEBUG'"),
        ("FASTMCP_LIFESPAN", "x", "FASTMCP_LIFESPAN: "),
        ("FASTMCP_TRANSPORT_SECURITY", "{", "FASTMCP_TRANSPORT_SECURITY: "),
        (
            "FASTMCP_TRANSPORT_SECURITY__ENABLE_DNS_REBINDING_PROTECTION",
            "perhaps",
            "FASTMCP_TRANSPORT_SECURITY__ENABLE_DNS_REBINDING_PROTECTION: Input should be a valid boolean",
        ),
    ],
)
@pytest.mark.parametrize("from_file", [True, False])
def test_malformed_values_name_their_variable(
    empty_directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    shown: str,
    from_file: bool,
):
    """SRV-6, SRV-7"""
    if from_file:
        (empty_directory / ".env").write_text(f"{variable}={value}\n")
    else:
        monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        FastMCP()
    assert str(caught.value).startswith(shown)


def test_malformed_values_that_are_not_used_do_no_harm(monkeypatch: pytest.MonkeyPatch):
    """SRV-7"""
    monkeypatch.setenv("FASTMCP_DEPENDENCIES", "x")
    monkeypatch.setenv("FASTMCP_PORT", "abc")
    mcp = FastMCP(dependencies=["d"], port=1)
    assert (mcp.dependencies, mcp.settings.port) == (["d"], 1)
    assert mcp.settings.dependencies == ["d"]


def test_malformed_argument_and_variable(monkeypatch: pytest.MonkeyPatch):
    """SRV-9: the argument is the program's own mistake, in pydantic's words."""
    monkeypatch.setenv("FASTMCP_PORT", "abc")
    with pytest.raises(ValidationError):
        FastMCP(log_level="loud")  # pyright: ignore


def test_settings_alone_have_no_defaults():
    """SRV-8"""
    with pytest.raises(ValidationError):
        Settings()  # pyright: ignore
    assert Settings.model_config["env_prefix"] == "FASTMCP_"  # pyright: ignore
    assert Settings.model_config["env_nested_delimiter"] == "__"  # pyright: ignore


def test_unreadable_env_file(empty_directory: Path):
    """SRV-8: a directory of that name is none."""
    (empty_directory / ".env").mkdir()
    assert FastMCP().settings.port == 8000


@pytest.mark.parametrize("level", ["debug", "Info", "TRACE", ""])
def test_log_level_is_one_of_five_in_upper_case(level: Any):
    """SRV-9"""
    with pytest.raises(ValidationError, match="log_level"):
        FastMCP(log_level=level)


@pytest.mark.parametrize(
    ("option", "given", "becomes"),
    [
        ("port", "8001", 8001),
        ("debug", "yes", True),
        ("session_idle_timeout", 5, 5.0),
        ("session_idle_timeout", None, None),
        ("max_sessions", None, None),
        ("max_sessions", 7, 7),
        ("host", "h", "h"),
        ("dependencies", ("a", "b"), ["a", "b"]),
        ("dependencies", {"a"}, ["a"]),
        ("lifespan", lifespan, lifespan),
        ("transport_security", {"allowed_hosts": ["x"]}, TransportSecuritySettings(allowed_hosts=["x"])),
    ],
)
def test_arguments_are_converted(option: str, given: Any, becomes: Any):
    """SRV-9, SRV-10"""
    mcp = FastMCP(**{option: given})
    assert mcp._option(option) == becomes
    assert getattr(mcp.settings, option) == becomes
    assert type(getattr(mcp.settings, option)) is type(becomes)


@pytest.mark.parametrize(
    ("option", "given"), [("port", None), ("port", "x"), ("lifespan", 5), ("host", 5), ("dependencies", [1])]
)
def test_wrong_arguments(option: str, given: Any):
    """SRV-9"""
    with pytest.raises(ValidationError):
        FastMCP(**{option: given})


def test_auth_needs_something_to_verify_tokens():
    """SRV-11, SRV-12, SRV-13"""
    auth, provider = AuthSettings(**AUTH), Verifier()
    for options, text in (
        ({"auth": auth}, "Must specify either auth_server_provider or token_verifier when auth is enabled"),
        (
            {"auth": auth, "auth_server_provider": provider, "token_verifier": provider},
            "Cannot specify both auth_server_provider and token_verifier",
        ),
        (
            {"token_verifier": provider},
            "Cannot specify auth_server_provider or token_verifier without auth settings",
        ),
        (
            {"auth_server_provider": provider},
            "Cannot specify auth_server_provider or token_verifier without auth settings",
        ),
    ):
        with pytest.raises(ValueError) as caught:
            FastMCP(**options)  # pyright: ignore
        assert str(caught.value) == text


def test_provider_verifies_tokens():
    """SRV-14"""
    provider: Any = Verifier()
    mcp = FastMCP(auth=AuthSettings(**AUTH), auth_server_provider=provider)
    assert isinstance(mcp._token_verifier, ProviderTokenVerifier)
    assert mcp._token_verifier.provider is provider


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_local_servers_are_protected(host: str):
    """SRV-15, SRV-17, TSV-11: with a port on every name; without one, see the transport's own check."""
    hosts = ["127.0.0.1:*", "localhost:*", "[::1]:*"]
    assert FastMCP(host=host).settings.transport_security == TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=hosts,
        allowed_origins=[f"http://{name}" for name in hosts],
    )


@pytest.mark.parametrize("host", ["LOCALHOST", "127.0.0.2", "0.0.0.0", "example.com"])
def test_other_servers_are_not(host: str):
    """SRV-16, TSV-11"""
    assert FastMCP(host=host).settings.transport_security is None
    own = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    assert FastMCP(host=host, transport_security=own).settings.transport_security == own
    assert FastMCP(transport_security=own).settings.transport_security == own
    mcp = FastMCP()
    mcp.settings.host = host
    assert mcp.settings.transport_security is not None


async def test_capabilities():
    """SRV-18"""
    async with connect(FastMCP()) as client:
        capabilities = client.get_server_capabilities()
        assert capabilities is not None
        assert capabilities.model_dump(exclude_none=True) == {
            "experimental": {},
            "logging": {},
            "prompts": {"listChanged": False},
            "resources": {"subscribe": False, "listChanged": False},
            "tools": {"listChanged": False},
        }
        assert capabilities.logging == LoggingCapability()
        assert await client.set_logging_level("warning") == EmptyResult()


def test_private_names_that_programs_use():
    """SRV-19"""
    mcp = FastMCP()
    assert isinstance(mcp._mcp_server, Server)
    assert mcp._tool_manager._tools == {}
    assert mcp._resource_manager._resources == {}
    assert mcp._resource_manager._templates == {}
    assert mcp._prompt_manager._prompts == {}
    assert mcp._custom_starlette_routes == []
    assert mcp._session_manager is None
    assert callable(mcp._normalize_path)


async def test_exceptions_of_handlers():
    """SRV-20"""

    class Broken(FastMCP):
        async def list_prompts(self) -> Any:
            raise RuntimeError("broken")

    async with connect(Broken()) as client:
        with pytest.raises(Exception, match=r"^broken$") as caught:
            await client.list_prompts()
    assert caught.value.error.code == 0  # pyright: ignore


def test_public_names():
    """EXC-2"""
    assert set(face.__all__) == {"FastMCP", "Context", "Image", "Audio", "Icon"}
    assert face.__version__ == importlib.metadata.version("mcp")
    assert {"FastMCP", "__version__"} <= set(dir(face))
    assert module.AuthSettings is AuthSettings
    for where in (face, module):
        with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
            _ = where.Nothing
    with pytest.raises(AttributeError, match="'FastMCP' object has no attribute 'nothing'"):
        _ = FastMCP().nothing  # pyright: ignore


def test_stdio_servers_load_no_web_framework():
    """RUN-4, SRV-5: what costs much to import is loaded when it is used."""
    program = (
        "import sys\n"
        "from mcp.server.fastmcp import FastMCP, Context\n"
        "mcp = FastMCP('x')\n"
        "@mcp.tool()\n"
        "def add(a: int, ctx: Context) -> int: return a\n"
        "costly = {'starlette', 'uvicorn', 'httpx', 'jsonschema', 'jwt', 'rich', 'pydantic_settings', 'typer'}\n"
        "print(sorted(costly & sys.modules.keys()))\n"
        "mcp.settings\n"
        "print('pydantic_settings' in sys.modules)\n"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert output.stdout.splitlines() == ["[]", "True"]
