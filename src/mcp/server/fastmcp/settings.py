"""`Settings` of a server, from arguments, environment and `.env` file."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, Literal, cast

from pydantic import BaseModel, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from mcp.server.auth.settings import AuthSettings
from mcp.server.fastmcp._options import DEFAULTS, ENV_FILE, ENV_PREFIX
from mcp.server.lowlevel.server import LifespanResultT
from mcp.server.transport_security import TransportSecuritySettings

_DELIMITER = "__"


class Settings(BaseSettings, Generic[LifespanResultT]):
    """How a server runs. A change takes effect where the setting is used next, such as at the creation of an app.

    Args:
        debug: Whether HTTP apps show tracebacks.
        log_level: Level of the log output of `run`.
        host: Address to listen on.
        port: Port to listen on.
        mount_path: Where the SSE app is mounted, as clients see it.
        sse_path: Where clients open the SSE stream.
        message_path: Where SSE clients post messages.
        streamable_http_path: The endpoint of Streamable HTTP.
        json_response: Whether Streamable HTTP answers with JSON rather than an SSE stream.
        stateless_http: Whether each HTTP request is served by itself, without sessions.
        max_request_body_size: Bytes.
        session_idle_timeout: Seconds until an unused HTTP session ends; None for never.
        max_sessions: How many HTTP sessions there may be; None for any number.
        warn_on_duplicate_resources: Log a warning when a URI is registered again.
        warn_on_duplicate_tools: Log a warning when the name of a tool is registered again.
        warn_on_duplicate_prompts: Log a warning when the name of a prompt is registered again.
        dependencies: Packages that `mcp install` and `mcp dev` add.
        lifespan: Called with the server for each connection; what it yields is the lifespan context.
        auth: How HTTP apps are protected; None for not at all.
        transport_security: Which hosts and origins HTTP apps accept; None for any.
        sync_in_threads: Whether plain functions run in worker threads rather than on the event loop's.
        mask_error_details: Whether clients get a reference to the log in the place of an error's text.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_file=ENV_FILE,
        env_nested_delimiter=_DELIMITER,
        nested_model_default_partial_update=True,
        extra="ignore",
    )

    debug: bool
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

    host: str
    port: int
    mount_path: str
    sse_path: str
    message_path: str
    streamable_http_path: str

    json_response: bool
    stateless_http: bool
    max_request_body_size: int
    session_idle_timeout: float | None
    max_sessions: int | None

    warn_on_duplicate_resources: bool
    warn_on_duplicate_tools: bool
    warn_on_duplicate_prompts: bool

    dependencies: list[str]
    lifespan: Callable[[Any], AbstractAsyncContextManager[LifespanResultT]] | None
    auth: AuthSettings | None
    transport_security: TransportSecuritySettings | None

    sync_in_threads: bool = False
    mask_error_details: bool = False


def load_settings(given: Mapping[str, Any]) -> Settings[Any]:
    """The settings of a server: arguments, else environment variables, else the `.env` file, else defaults.

    Args:
        given: The arguments that the program gave.

    Raises:
        pydantic.ValidationError: An argument is not valid.
        pydantic_settings.SettingsError: An environment variable, which is named, is not valid.
    """
    variables: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    for source in (DotEnvSettingsSource(Settings), EnvSettingsSource(Settings)):
        for name, (read, names) in _read(source, given).items():
            values[name] = _merged(values[name], read) if name in values else read
            variables.setdefault(name, []).extend(names)
    try:
        return make_settings({**DEFAULTS, **values, **given})
    except ValidationError as error:
        if any(line["loc"][0] not in variables for line in error.errors(include_url=False)):
            raise
        raise SettingsError(_described(error, variables)) from error


def make_settings(values: Mapping[str, Any]) -> Settings[Any]:
    """Settings of exactly these values, whatever the environment says.

    Args:
        values: All settings.

    Raises:
        pydantic.ValidationError: One is not valid.
    """
    settings: Settings[Any] = Settings.__new__(Settings)
    # The constructor of `BaseSettings` would ask the environment again.
    BaseModel.__init__(settings, **values)
    return settings


def _read(source: EnvSettingsSource, given: Mapping[str, Any]) -> dict[str, tuple[Any, list[str]]]:
    """What a source says about the settings that were not given: values, and the variables they come from.

    A variable for a setting that was given is not even parsed: what is not used cannot be wrong.
    """
    found: dict[str, tuple[Any, list[str]]] = {}
    all_variables = source.env_vars
    for name in Settings.model_fields:
        variable = f"{ENV_PREFIX}{name}".lower()
        mine = {
            key: value
            for key, value in all_variables.items()
            if key == variable or key.startswith(variable + _DELIMITER)
        }
        if not mine or name in given:
            continue
        names = [key.upper() for key in mine]
        source.env_vars = mine
        try:
            read = source()
        except SettingsError as error:
            raise SettingsError(f"{', '.join(names)}: {error.__cause__ or error}") from error
        if name in read:
            found[name] = (read[name], names)
    return found


def _merged(old: Any, new: Any) -> Any:
    """`new` over `old`, where both are nested settings member by member."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    merged = dict(cast("dict[str, Any]", old))
    for key, value in cast("dict[str, Any]", new).items():
        merged[key] = _merged(merged[key], value) if key in merged else value
    return merged


def _described(error: ValidationError, variables: Mapping[str, list[str]]) -> str:
    problems: list[str] = []
    for line in error.errors(include_url=False):
        name, *inner = line["loc"]
        nested = "".join(f"{_DELIMITER}{part}" for part in inner).upper()
        exact = f"{ENV_PREFIX}{name}".upper() + nested
        known = variables[str(name)]
        shown = exact if exact in known else ", ".join(known)
        problems.append(f"{shown}: {line['msg']} (got {line['input']!r})")
    return "; ".join(problems)
