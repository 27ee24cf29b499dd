"""`Context`: what a tool, resource or prompt function sees of the request it serves.

It knows the server it belongs to only as something that reads resources, so that the server can depend on it.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol
from weakref import WeakKeyDictionary

from pydantic import AnyUrl, BaseModel

from mcp.server.elicitation import (
    ElicitationResult,
    ElicitSchemaModelT,
    UrlElicitationResult,
    elicit_url,
    elicit_with_validation,
)
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.session import ServerSession, ServerSessionT
from mcp.shared.context import LifespanContextT, RequestContext, RequestT
from mcp.types import LoggingLevel

_OUTSIDE = "Context is not available outside of a request"

# In rising order of severity (RFC 5424).
_SEVERITY = {
    level: rank
    for rank, level in enumerate(
        ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"),
    )
}

_client_levels: WeakKeyDictionary[ServerSession, LoggingLevel] = WeakKeyDictionary()


def set_client_log_level(session: ServerSession, level: LoggingLevel) -> None:
    """Remember the lowest level of log messages that the client of `session` wants to get.

    Args:
        session: The session on which the client asked.
        level: As in `logging/setLevel`.

    Source: specification 2025-11-25, page "Logging", section "Setting Log Level".
    """
    _client_levels[session] = level


def _wanted(session: ServerSession, level: str) -> bool:
    # Most clients never set a level.
    if not _client_levels:
        return True
    lowest = _client_levels.get(session)
    return lowest is None or _SEVERITY.get(level, len(_SEVERITY)) >= _SEVERITY[lowest]


class ResourceReader(Protocol):
    """What a context needs of its server."""

    async def read_resource(self, uri: AnyUrl | str) -> Iterable[ReadResourceContents]:
        """The contents of the resource at `uri`."""
        ...


class Context(BaseModel, Generic[ServerSessionT, LifespanContextT, RequestT]):
    """The request that a tool, resource template or prompt function serves, and ways to talk to its client.

    A function gets it by a parameter annotated with this class, under any name:

    ```python
    @mcp.tool()
    async def count(files: list[str], ctx: Context) -> int:
        await ctx.info(f"{len(files)} files")
        await ctx.report_progress(1, total=2)
        return len(files)
    ```

    Args:
        request_context: The context of the request; None outside of one.
        fastmcp: The server.
    """

    if TYPE_CHECKING:
        # Plain attributes, which programs set from outside: as private attributes of pydantic each use would cost
        # more than the rest of the method.
        _request_context: RequestContext[ServerSessionT, LifespanContextT, RequestT] | None
        _fastmcp: Any

    def __init__(
        self,
        *,
        request_context: RequestContext[ServerSessionT, LifespanContextT, RequestT] | None = None,
        fastmcp: ResourceReader | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        object.__setattr__(self, "_request_context", request_context)
        object.__setattr__(self, "_fastmcp", fastmcp)

    @property
    def fastmcp(self) -> Any:
        """The `FastMCP` server.

        Raises:
            ValueError: There is none.
        """
        if self._fastmcp is None:
            raise ValueError(_OUTSIDE)
        return self._fastmcp

    @property
    def request_context(self) -> RequestContext[ServerSessionT, LifespanContextT, RequestT]:
        """The context of the request: session, lifespan context, `_meta`, and the HTTP request if there is one.

        Raises:
            ValueError: No request is being served.
        """
        if self._request_context is None:
            raise ValueError(_OUTSIDE)
        return self._request_context

    async def report_progress(
        self,
        progress: float,
        total: float | None = None,
        message: str | None = None,
    ) -> None:
        """Tell the client how far the request is; nothing is sent to a client that did not ask for it.

        Args:
            progress: How much is done, in any unit; it should grow with each call.
            total: How much there is to do, if known, in the same unit.
            message: What is going on.

        Source: specification 2025-11-25, page "Progress".
        """
        meta = self.request_context.meta
        token = meta.progressToken if meta is not None else None
        if token is None:
            return
        await self.request_context.session.send_progress_notification(
            progress_token=token,
            progress=progress,
            total=total,
            message=message,
            related_request_id=self.request_id,
        )

    async def read_resource(self, uri: str | AnyUrl) -> Iterable[ReadResourceContents]:
        """Read a resource of this server.

        Args:
            uri: The URI, as a client would give it.

        Raises:
            ValueError: There is no such resource.
            ResourceError: It could not be read.
        """
        assert self._fastmcp is not None, _OUTSIDE
        return await self._fastmcp.read_resource(uri)

    async def elicit(
        self,
        message: str,
        schema: type[ElicitSchemaModelT],
    ) -> "ElicitationResult[ElicitSchemaModelT]":
        """Ask the user, through the client, to fill in a form.

        Args:
            message: What to tell the user.
            schema: Model of the answer. Fields are strings, numbers, booleans, enumerations of strings, lists of
                strings, or one of these or None.

        Returns:
            `AcceptedElicitation` with the answer as `data`, `DeclinedElicitation` or `CancelledElicitation`.

        Raises:
            TypeError: A field of `schema` has another type.
            McpError: The client cannot ask its user.
            pydantic.ValidationError: The answer does not fit `schema`.

        Source: specification 2025-11-25, page "Elicitation", section "Form Mode Elicitation Requests".
        """
        return await elicit_with_validation(
            session=self.request_context.session,
            message=message,
            schema=schema,
            related_request_id=self.request_id,
        )

    async def elicit_url(self, message: str, url: str, elicitation_id: str) -> UrlElicitationResult:
        """Ask the user, through the client, to visit a URL.

        Say that the visit is over with `ctx.session.send_elicit_complete(elicitation_id)`.

        Args:
            message: What to tell the user.
            url: Where to go.
            elicitation_id: A name for this elicitation that no other has.

        Returns:
            `AcceptedUrlElicitation`, `DeclinedElicitation` or `CancelledElicitation`.

        Raises:
            McpError: The client cannot send its user to a URL.

        Source: specification 2025-11-25, page "Elicitation", section "URL Mode Elicitation Requests".
        """
        return await elicit_url(
            session=self.request_context.session,
            message=message,
            url=url,
            elicitation_id=elicitation_id,
            related_request_id=self.request_id,
        )

    async def log(
        self,
        level: Literal["debug", "info", "warning", "error"],
        message: str,
        *,
        logger_name: str | None = None,
    ) -> None:
        """Send a log message to the client, unless it asked for more severe ones only.

        Args:
            level: How severe it is.
            message: The text; any JSON value will do.
            logger_name: Which part of the server says so.

        Source: specification 2025-11-25, page "Logging".
        """
        session = self.request_context.session
        if _wanted(session, level):
            await session.send_log_message(
                level=level,
                data=message,
                logger=logger_name,
                related_request_id=self.request_id,
            )

    @property
    def client_id(self) -> str | None:
        """The `client_id` in the `_meta` of the request, if there is one. Not the OAuth client."""
        meta = self.request_context.meta
        return getattr(meta, "client_id", None)

    @property
    def request_id(self) -> str:
        """The id of the request, as text."""
        return str(self.request_context.request_id)

    @property
    def session(self):
        """The `ServerSession`: sampling, roots, and notifications that lists have changed."""
        return self.request_context.session

    async def close_sse_stream(self) -> None:
        """End the HTTP response of this request early; the client comes back for the rest.

        Nothing happens except on Streamable HTTP with an event store.

        Source: specification 2025-11-25, page "Transports", section "Sending Messages to the Server".
        """
        if self._request_context is not None and self._request_context.close_sse_stream is not None:
            await self._request_context.close_sse_stream()

    async def close_standalone_sse_stream(self) -> None:
        """End the session's GET stream; the client comes back for more.

        Nothing happens except on Streamable HTTP with an event store.

        Source: specification 2025-11-25, page "Transports", section "Listening for Messages from the Server".
        """
        if self._request_context is not None and self._request_context.close_standalone_sse_stream is not None:
            await self._request_context.close_standalone_sse_stream()

    async def debug(self, message: str, **extra: Any) -> None:
        """Send a log message at level `debug`, see `log`."""
        await self.log("debug", message, **extra)

    async def info(self, message: str, **extra: Any) -> None:
        """Send a log message at level `info`, see `log`."""
        await self.log("info", message, **extra)

    async def warning(self, message: str, **extra: Any) -> None:
        """Send a log message at level `warning`, see `log`."""
        await self.log("warning", message, **extra)

    async def error(self, message: str, **extra: Any) -> None:
        """Send a log message at level `error`, see `log`."""
        await self.log("error", message, **extra)
