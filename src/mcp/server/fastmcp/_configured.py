"""The settings of a server: which were given, what they are now, and the object that holds them, made on first use."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from mcp.server.fastmcp._options import DEFAULTS, plain_options
from mcp.server.lowlevel.server import LifespanResultT
from mcp.server.transport_security import TransportSecuritySettings

if TYPE_CHECKING:
    from mcp.server.fastmcp.settings import Settings

_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
_LOCAL_NAMES = ("127.0.0.1:*", "localhost:*", "[::1]:*")

_InitT = TypeVar("_InitT", bound=Callable[..., None])


def noting_given(init: _InitT) -> _InitT:
    """A constructor that keeps the names of the keyword arguments it was given, as distinct from defaults."""

    @functools.wraps(init)
    def noting(self: Any, *args: Any, **kwargs: Any) -> None:
        self._given = frozenset(kwargs)
        init(self, *args, **kwargs)

    return cast("_InitT", noting)


class Configured(Generic[LifespanResultT]):
    """A server as the holder of settings.

    Attributes:
        settings: The settings; they may be changed.
        dependencies: Packages that `mcp install` and `mcp dev` add.
    """

    settings: Settings[LifespanResultT]
    dependencies: list[str]
    _given: Iterable[str] = ()

    def _configure(self, arguments: Mapping[str, Any]) -> None:
        """Find out the settings.

        Args:
            arguments: All arguments of the constructor.
        """
        given = {name: arguments[name] for name in self._given if name in DEFAULTS}
        if "dependencies" in given:
            given["dependencies"] = list(given["dependencies"])
        self._plain_options = plain_options(given)
        if self._plain_options is None:
            from mcp.server.fastmcp.settings import load_settings

            self.settings = load_settings(given)
        if self._option("transport_security") is None and self._option("host") in _LOCAL_HOSTS:
            self._set_option("transport_security", _local_security())
        self.dependencies = self._option("dependencies")

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            options = self.__dict__.get("_plain_options")
            if name != "settings" or options is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            from mcp.server.fastmcp.settings import make_settings

            self.settings = make_settings(options)
            return self.settings

    def _option(self, name: str) -> Any:
        """The present value of a setting."""
        options = self._options_so_far()
        return getattr(self.settings, name) if options is None else options[name]

    def _set_option(self, name: str, value: Any) -> None:
        options = self._options_so_far()
        if options is None:
            setattr(self.settings, name, value)
        else:
            options[name] = value

    def _options_so_far(self) -> dict[str, Any] | None:
        """The values of all settings, as long as there is no object that holds them."""
        return None if "settings" in self.__dict__ else self._plain_options


def _local_security() -> TransportSecuritySettings:
    """What keeps web pages from reaching a server on this machine through DNS rebinding."""
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=list(_LOCAL_NAMES),
        allowed_origins=[f"http://{name}" for name in _LOCAL_NAMES],
    )
