"""A client that logs in with the browser, lists the tools, and calls the ones named.

    uv run python examples/clients/simple-auth-client/client.py http://127.0.0.1:8001/mcp [TOOL ...]

MCP_CLIENT_METADATA_URL may name an https URL where a metadata document of this client is published; servers that
support that use it instead of a registration. Tokens are kept in memory; a real client uses the system's keyring.
"""

from __future__ import annotations

import os
import sys
import webbrowser

import anyio
import anyio.to_thread
from anyio.abc import SocketStream
from pydantic import AnyUrl

import mcp.types as types
from mcp import ClientSession
from mcp.client.auth import AuthorizationResponse, OAuthClientProvider, TokenStorage
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

PAGE = b"<!doctype html><title>Done</title><p>You may close this window."


class MemoryStorage(TokenStorage):
    """Keeps tokens and credentials as long as the program runs."""

    def __init__(self) -> None:
        self._tokens: OAuthToken | None = None
        self._client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self._tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self._tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self._client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self._client = client_info


class CallbackServer:
    """Listens on the loopback interface for the browser's return."""

    def __init__(self) -> None:
        self._response: AuthorizationResponse | None = None
        self._arrived = anyio.Event()

    async def open(self) -> None:
        """Start to listen, on any free port."""
        self._listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = self._listener.extra(anyio.abc.SocketAttribute.local_port)
        self.redirect_uri = f"http://127.0.0.1:{port}/callback"

    async def serve(self) -> None:
        """Answer requests until cancelled."""
        await self._listener.serve(self._answer)

    async def _answer(self, stream: SocketStream) -> None:
        async with stream:
            request = b""
            while b"\r\n\r\n" not in request and len(request) < 65536:
                request += await stream.receive()
            target = request.split(b" ", 2)[1].decode()
            found = target.startswith("/callback?")
            status = b"200 OK" if found else b"404 Not Found"
            await stream.send(
                b"HTTP/1.1 " + status + b"\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + PAGE
            )
            if found:
                self._response = AuthorizationResponse.from_url(target)
                self._arrived.set()

    async def wait(self) -> AuthorizationResponse:
        """Wait for the browser to come back."""
        await self._arrived.wait()
        assert self._response is not None
        response, self._response, self._arrived = self._response, None, anyio.Event()
        return response


async def open_browser(url: str) -> None:
    print(f"Opening {url}", file=sys.stderr)
    await anyio.to_thread.run_sync(webbrowser.open, url)


async def use(url: str, tools: list[str], callbacks: CallbackServer) -> None:
    auth = OAuthClientProvider(
        server_url=url,
        client_metadata=OAuthClientMetadata(
            client_name="simple-auth-client",
            redirect_uris=[AnyUrl(callbacks.redirect_uri)],
            token_endpoint_auth_method="none",
        ),
        storage=MemoryStorage(),
        redirect_handler=open_browser,
        callback_handler=callbacks.wait,
        client_metadata_url=os.environ.get("MCP_CLIENT_METADATA_URL"),
    )
    async with (
        create_mcp_http_client(auth=auth) as http_client,
        streamable_http_client(url, http_client=http_client) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        for tool in (await session.list_tools()).tools:
            print(f"{tool.name}: {tool.description}")
        for name in tools:
            result = await session.call_tool(name, {})
            for block in result.content:
                print(f"{name} -> {block.text if isinstance(block, types.TextContent) else block.type}")


async def main(url: str, tools: list[str]) -> None:
    callbacks = CallbackServer()
    await callbacks.open()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(callbacks.serve)
        await use(url, tools, callbacks)
        tasks.cancel_scope.cancel()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    anyio.run(main, sys.argv[1], sys.argv[2:])
