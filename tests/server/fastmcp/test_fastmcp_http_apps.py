"""The HTTP applications of a server."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware, get_access_token
from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.server import StreamableHTTPASGIApp

pytestmark = pytest.mark.anyio

HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}},
}
CALL: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "tool", "arguments": {}}}


@asynccontextmanager
async def http(app: Any, host: str = "127.0.0.1:8000", run: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, whose lifespan is entered."""
    transport = httpx.ASGITransport(app=app)
    with anyio.fail_after(10):
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}", headers=HEADERS) as client:
            if not run:
                yield client
                return
            async with app.router.lifespan_context(app):
                yield client


def sse_scope(path: str = "/sse", root_path: str = "", host: bytes = b"127.0.0.1:8000") -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": root_path + path,
        "root_path": root_path,
        "query_string": b"",
        "headers": [(b"host", host)],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 1),
        "scheme": "http",
    }


async def receive_nothing() -> Any:
    await anyio.sleep_forever()


async def first_event(app: Any, path: str = "/sse", **scope: Any) -> str:
    """What the SSE endpoint sends first, or the status it refuses with."""
    body = b""
    found: list[str] = []
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:

            async def send(message: Any) -> None:
                nonlocal body
                if message["type"] == "http.response.start" and message["status"] != 200:
                    found.append(str(message["status"]))
                body += message.get("body", b"")
                if b"\n\n" in body.replace(b"\r", b""):
                    found.append(body.decode())
                    tasks.cancel_scope.cancel()

            await app(sse_scope(path, **scope), receive_nothing, send)
    return found[0]


class Verifier:
    async def verify_token(self, token: str) -> AccessToken | None:
        if token != "good":
            return None
        return AccessToken(token=token, client_id="me", scopes=["read"])


def protected(**options: Any) -> FastMCP:
    auth = AuthSettings(
        issuer_url=AnyHttpUrl("https://auth.example.com"),
        required_scopes=["read"],
        **{
            "resource_server_url": AnyHttpUrl("https://mcp.example.com/mcp"),
            "validate_token_resource": False,
            **options,
        },
    )
    return FastMCP(auth=auth, token_verifier=Verifier(), json_response=True)


def paths(app: Starlette) -> list[str]:
    return [route.path for route in app.routes]  # pyright: ignore


def test_routes_of_the_sse_app():
    """APP-1, APP-2"""
    mcp = FastMCP(sse_path="/events", message_path="/post/")
    mcp.custom_route("/health", ["GET"])(lambda request: Response())  # pyright: ignore
    connect, messages, health = mcp.sse_app().routes
    assert isinstance(connect, Route)
    assert (connect.path, connect.methods) == ("/events", {"GET", "HEAD"})
    assert isinstance(messages, Mount)
    assert messages.path == "/post"
    assert isinstance(health, Route)
    assert health.path == "/health"


@pytest.mark.parametrize(
    ("mount_path", "endpoint", "expected"),
    [
        ("/", "/messages/", "/messages/"),
        ("/github", "/messages/", "/github/messages/"),
        ("/github/", "/messages/", "/github/messages/"),
        ("/github", "messages/", "/github/messages/"),
        ("/github/", "messages/", "/github/messages/"),
        ("github", "/messages/", "/github/messages/"),
        ("", "/messages/", "/messages/"),
        ("//", "messages/", "/messages/"),
        ("/a/b//", "/m", "/a/b/m"),
    ],
)
async def test_endpoint_as_clients_see_it(mount_path: str, endpoint: str, expected: str):
    """APP-3, APP-4, TSV-20"""
    mcp = FastMCP(message_path="/messages/")
    assert mcp._normalize_path(mount_path, endpoint) == expected
    if endpoint == "/messages/":
        event = await first_event(mcp.sse_app(mount_path))
        assert f"data: {expected}?session_id=" in event
        assert event.startswith("event: endpoint")


async def test_mount_by_starlette_is_known_by_itself():
    """APP-5: a mount path beside it is announced too."""
    outer = Starlette(routes=[Mount("/outer", app=FastMCP().sse_app())])
    assert "data: /outer/messages/?session_id=" in await first_event(outer, "/outer/sse")
    outer = Starlette(routes=[Mount("/outer", app=FastMCP().sse_app("/outer"))])
    assert "data: /outer/outer/messages/?session_id=" in await first_event(outer, "/outer/sse")
    assert paths(FastMCP().sse_app("/x")) == ["/sse", "/messages"]


def test_mount_path_becomes_the_setting():
    """APP-6"""
    mcp = FastMCP()
    mcp.sse_app("/m")
    assert mcp.settings.mount_path == "/m"
    mcp.sse_app()
    assert mcp.settings.mount_path == "/m"
    with pytest.raises(ValueError, match=r"is not a relative path \(e\.g\., '/messages/'\), "):
        mcp.sse_app("http://example.com/m")


async def test_refused_sse_connection_is_no_failure():
    """APP-1, SRV-17: it has got its answer."""
    assert await first_event(FastMCP().sse_app(), host=b"evil.example") == "421"
    assert await first_event(FastMCP().sse_app(), host=b"localhost") == "421"
    assert "endpoint" in await first_event(FastMCP().sse_app(), host=b"localhost:1")


async def test_failure_of_an_sse_connection_is_seen():
    """APP-1: a ValueError of the program is not taken for a refusal."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[None, None]:
        raise ValueError("broken lifespan")
        yield

    async def send(message: Any) -> None: ...

    app = FastMCP(lifespan=lifespan).sse_app()
    with anyio.fail_after(5), pytest.raises(BaseException) as caught:
        await app(sse_scope(), receive_nothing, send)
    leaf: Any = caught.value
    while hasattr(leaf, "exceptions"):
        (leaf,) = leaf.exceptions
    assert str(leaf) == "broken lifespan"


async def test_connection_that_cannot_be_opened_is_a_failure():
    """APP-1: nothing was answered, so the application has to hear of it."""
    app = FastMCP().sse_app()
    with pytest.raises(ValueError, match=r"^connect_sse can only handle HTTP requests$"):
        await app.routes[0].endpoint({"type": "websocket"}, None, None)  # pyright: ignore


async def test_streamable_http_app():
    """APP-7, APP-15"""
    mcp = FastMCP(streamable_http_path="/rpc", json_response=True)
    mcp.custom_route("/health", ["GET"])(lambda request: Response())  # pyright: ignore
    app = mcp.streamable_http_app()
    first, second = app.routes
    assert isinstance(first, Route)
    assert (first.path, first.methods) == ("/rpc", None)
    assert isinstance(first.endpoint, StreamableHTTPASGIApp)
    assert isinstance(second, Route)
    async with http(app) as client:
        response = await client.post("/rpc", json=INITIALIZE)
        assert response.status_code == 200
        assert response.json()["result"]["serverInfo"]["name"] == "FastMCP"
        assert (await client.put("/rpc", json={})).status_code == 405
        assert (await client.post("/rpc/", json=INITIALIZE)).status_code == 307


def test_apps_share_one_session_manager():
    """APP-8, APP-10"""
    mcp = FastMCP()
    with pytest.raises(RuntimeError) as caught:
        _ = mcp.session_manager
    assert str(caught.value).startswith("Session manager can only be accessed after calling streamable_http_app(). The")
    one, manager = mcp.streamable_http_app(), mcp.session_manager
    two = mcp.streamable_http_app()
    assert one is not two
    assert mcp.session_manager is manager
    for app in (one, two):
        assert app.routes[0].endpoint.session_manager is manager  # pyright: ignore
    mcp._session_manager = None
    mcp.streamable_http_app()
    assert mcp.session_manager is not manager


async def test_app_runs_the_session_manager():
    """APP-9, APP-11: also again and again, as in tests, each time with a fresh manager."""
    mcp = FastMCP(json_response=True)
    app = mcp.streamable_http_app()
    managers: list[Any] = []
    for _ in range(2):
        async with http(app) as client:
            managers.append(mcp.session_manager)
            assert (await client.post("/mcp", json=INITIALIZE)).status_code == 200
    assert managers[0] is not managers[1]
    with pytest.raises(RuntimeError) as caught:
        async with managers[0].run():
            raise AssertionError
    assert ".run() can only be called once per instance. Create a new instance if you need to run again." in str(
        caught.value
    )


@pytest.mark.parametrize("run", [True, False])
async def test_mounted_app(run: bool):
    """APP-9: the outer application runs the manager; if it does not, the first request starts it."""
    mcp = FastMCP(json_response=True, streamable_http_path="/")
    inner = mcp.streamable_http_app()

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[None, None]:
        if not run:
            yield
            return
        async with mcp.session_manager.run():
            yield

    outer = Starlette(routes=[Mount("/outer", app=inner)], lifespan=lifespan)
    async with http(outer) as client:
        for _ in range(2):
            assert (await client.post("/outer/", json=INITIALIZE)).status_code == 200


async def test_endpoint_with_a_manager_of_the_programs_own():
    """APP-8: anything with `handle_request` will do."""
    seen: list[Any] = []

    class Manager:
        async def handle_request(self, scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope)

    await StreamableHTTPASGIApp(Manager())({"type": "x"}, None, None)  # pyright: ignore
    assert seen == [{"type": "x"}]


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("max_request_body_size", 0, "max_request_body_size must be a positive number of bytes"),
        ("max_sessions", 0, "max_sessions must be a positive number of sessions or None"),
        ("session_idle_timeout", 0, "session_idle_timeout must be a positive, finite number of seconds"),
        ("session_idle_timeout", float("inf"), "session_idle_timeout must be a positive, finite number of seconds"),
    ],
)
def test_limits_are_checked_when_an_app_is_made(option: str, value: Any, text: str):
    """APP-12"""
    mcp = FastMCP(**{option: value})
    with pytest.raises(ValueError) as caught:
        mcp.streamable_http_app()
    assert str(caught.value) == text


def test_paths_begin_with_a_slash():
    """APP-13"""
    with pytest.raises(AssertionError, match=r"^Routed paths must start with '/'$"):
        FastMCP(streamable_http_path="mcp").streamable_http_app()
    with pytest.raises(AssertionError, match=r"^Routed paths must start with '/'$"):
        FastMCP(sse_path="sse").sse_app()


async def test_bodies_that_are_too_large():
    """APP-14"""
    mcp = FastMCP(max_request_body_size=10)
    for app, path in ((mcp.streamable_http_app(), "/mcp"), (mcp.sse_app(), "/messages/")):
        async with http(app) as client:
            response = await client.post(path, content=b"x" * 11)
            assert (response.status_code, response.text) == (413, "Request body too large")
            assert (await client.post(path, content=b"x" * 10)).status_code == 400


@pytest.mark.parametrize("debug", [True, False])
def test_debug(debug: bool):
    """APP-16"""
    mcp = FastMCP(debug=debug)
    assert mcp.sse_app().debug is debug
    assert mcp.streamable_http_app().debug is debug


async def test_custom_routes():
    """APP-17, APP-18: last, in both apps, open to all, and still told who is calling."""
    mcp = protected()

    async def who(request: Request) -> Response:
        token = get_access_token()
        return JSONResponse([request.user.is_authenticated, token.client_id if token else None])

    assert mcp.custom_route("/who", ["GET"], name="who", include_in_schema=False)(who) is who
    mcp.custom_route("/mcp", ["GET"])(who)
    (first, _) = mcp._custom_starlette_routes
    assert (first.path, first.name, first.include_in_schema) == ("/who", "who", False)
    for app in (mcp.streamable_http_app(), mcp.sse_app()):
        async with http(app) as client:
            assert (await client.get("/who")).json() == [False, None]
            response = await client.get("/who", headers={"authorization": "Bearer good"})
            assert response.json() == [True, "me"]
            assert (await client.post("/who")).status_code == 405
            if "/mcp" in paths(app)[:1]:
                assert (await client.get("/mcp")).status_code == 401


def test_everything_reaches_the_session_manager():
    """APP-19"""
    store: Any = object()
    mcp = FastMCP(
        event_store=store,
        retry_interval=7,
        json_response=True,
        stateless_http=True,
        session_idle_timeout=5,
        max_sessions=6,
        max_request_body_size=8,
    )
    mcp.streamable_http_app()
    manager = mcp.session_manager
    assert manager.app is mcp._mcp_server
    assert manager.event_store is store
    assert (manager.retry_interval, manager.json_response, manager.stateless) == (7, True, True)
    assert (manager.session_idle_timeout, manager.max_sessions, manager.max_request_body_size) == (5, 6, 8)
    assert manager.security_settings == mcp.settings.transport_security


async def test_protected_apps():
    """APP-20"""
    mcp = protected()
    app, sse = mcp.streamable_http_app(), mcp.sse_app()
    for one in (app, sse):
        assert [middleware.cls for middleware in one.user_middleware] == [
            AuthenticationMiddleware,
            AuthContextMiddleware,
        ]
    assert isinstance(app.routes[0].endpoint, RequireAuthMiddleware)  # pyright: ignore
    assert isinstance(sse.routes[0].endpoint, RequireAuthMiddleware)  # pyright: ignore
    assert isinstance(sse.routes[1].app, RequireAuthMiddleware)  # pyright: ignore
    async with http(app) as client:
        for headers, status in (
            ({}, 401),
            ({"authorization": "Bearer bad"}, 401),
            ({"authorization": "Bearer good"}, 200),
        ):
            assert (await client.post("/mcp", json=INITIALIZE, headers=headers)).status_code == status
        challenge = (await client.post("/mcp", json=INITIALIZE)).headers["www-authenticate"]
        assert 'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"' in challenge
    async with http(sse) as client:
        assert (await client.get("/sse")).status_code == 401
        assert (await client.post("/messages/", json=INITIALIZE)).status_code == 401


async def test_verifier_may_be_set_later():
    """APP-20: `_token_verifier` assigned after construction counts, also without auth settings."""
    mcp = FastMCP(json_response=True)
    mcp._token_verifier = Verifier()
    async with http(mcp.streamable_http_app()) as client:
        assert (await client.post("/mcp", json=INITIALIZE)).status_code == 401
        headers = {"authorization": "Bearer good"}
        assert (await client.post("/mcp", json=INITIALIZE, headers=headers)).status_code == 200


def test_oauth_endpoints():
    """APP-21, APP-22"""
    oauth = ["/.well-known/oauth-authorization-server", "/authorize", "/token"]
    resource = "/.well-known/oauth-protected-resource/mcp"

    assert set(paths(protected().streamable_http_app())) == {"/mcp", resource}
    assert set(paths(protected().sse_app())) == {"/sse", "/messages", resource}
    assert paths(protected(resource_server_url=None).streamable_http_app()) == ["/mcp"]

    class Provider(Verifier):
        pass

    auth = AuthSettings(issuer_url=AnyHttpUrl("https://auth.example.com"), resource_server_url=None)
    mcp = FastMCP(auth=auth, auth_server_provider=Provider())  # pyright: ignore
    assert paths(mcp.streamable_http_app()) == ["/mcp", *oauth]
    assert paths(mcp.sse_app()) == ["/sse", "/messages", *oauth]


async def test_tokens_for_other_resources():
    """APP-20: refused where the settings say so."""
    async with http(protected(validate_token_resource=True).streamable_http_app()) as client:
        headers = {"authorization": "Bearer good"}
        assert (await client.post("/mcp", json=INITIALIZE, headers=headers)).status_code == 401


async def test_protected_resource_metadata():
    """APP-22"""
    async with http(protected().streamable_http_app()) as client:
        document = (await client.get("/.well-known/oauth-protected-resource/mcp")).json()
    assert document["resource"] == "https://mcp.example.com/mcp"
    assert document["authorization_servers"] == ["https://auth.example.com/"]
    assert document["scopes_supported"] == ["read"]


@pytest.mark.parametrize("request_id", [1, "1", "abc"])
async def test_log_and_progress_take_the_stream_of_their_request(request_id: int | str):
    """CTX-6, CTX-7"""
    mcp = FastMCP()

    @mcp.tool()
    async def tool(ctx: Context) -> None:  # pyright: ignore
        await ctx.info("log")
        await ctx.report_progress(1)

    async with http(mcp.streamable_http_app()) as client:
        opened = await client.post("/mcp", json=INITIALIZE)
        call = {**CALL, "id": request_id, "params": {**CALL["params"], "_meta": {"progressToken": "t"}}}
        session = {"mcp-session-id": opened.headers["mcp-session-id"]}
        body = (await client.post("/mcp", json=call, headers=session)).text
    assert [word in body for word in ("notifications/message", "notifications/progress", "result")] == [True] * 3


@pytest.mark.parametrize("stateless", [True, False])
async def test_lifespan_and_request(stateless: bool):
    """LIFE-2, CTX-13: once for each session, or for each request where there are no sessions."""
    entered: list[int] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[None, None]:
        entered.append(1)
        yield

    mcp = FastMCP(json_response=True, stateless_http=stateless, lifespan=lifespan)

    @mcp.tool()
    def tool(ctx: Context) -> str:  # pyright: ignore
        request = ctx.request_context.request
        assert isinstance(request, Request)
        return request.headers["x-mine"]

    async with http(mcp.streamable_http_app()) as client:
        for _ in range(2):
            response = await client.post("/mcp", json=INITIALIZE)
            session = {} if stateless else {"mcp-session-id": response.headers["mcp-session-id"]}
            for value in ("a", "b"):
                response = await client.post("/mcp", json=CALL, headers={**session, "x-mine": value})
                assert response.json()["result"]["structuredContent"] == {"result": value}
    assert len(entered) == (6 if stateless else 2)
