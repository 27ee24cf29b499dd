"""Fixtures that every test may use."""

import json
import math
import os
import socket
import subprocess
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp.shared._codec import encode_message, parse_message
from mcp.shared.exceptions import McpError
from mcp.shared.message import MessageMetadata, SessionMessage

PATIENCE = 5
"""Seconds after which a test that waits has failed."""
START_PATIENCE = 60
"""Seconds that a process has to start."""
END_PATIENCE = 10
"""Seconds that a process has to end when it is asked to."""


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Each async test runs on both event loops."""
    return request.param


class RawPeer:
    """The other end of a session, which knows nothing but JSON-RPC: what it sends and gets are plain dicts.

    Everything goes through the codec, so both ends see what they would see over a wire.

    Attributes:
        read_stream: the session's read stream.
        write_stream: the session's write stream.
        items: what the session wrote, as it wrote it.
    """

    def __init__(self, buffer: float = math.inf) -> None:
        self.out, self.read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](math.inf)
        self.write_stream, self._in = anyio.create_memory_object_stream[SessionMessage](buffer)
        self.items: list[SessionMessage] = []

    async def send_text(self, text: str | bytes, metadata: MessageMetadata = None) -> None:
        """Send the JSON text of one message; what cannot be read arrives as an exception."""
        try:
            item: SessionMessage | Exception = SessionMessage(parse_message(text), metadata)
        except McpError as error:
            item = error
        await self.out.send(item)

    async def send(self, metadata: MessageMetadata = None, **members: Any) -> None:
        """Send one message."""
        await self.send_text(json.dumps({"jsonrpc": "2.0", **members}), metadata)

    async def receive(self) -> dict[str, Any]:
        """The next message of the session, without `jsonrpc`."""
        with anyio.fail_after(PATIENCE):
            item = await self._in.receive()
        self.items.append(item)
        message = json.loads(encode_message(item))
        assert message.pop("jsonrpc") == "2.0"
        return message

    async def ask(self, request_id: int | str, method: str, params: Any = None) -> dict[str, Any]:
        """Send a request and take the next message, which has to be its answer."""
        await self.send(id=request_id, method=method, **({} if params is None else {"params": params}))
        answer = await self.receive()
        assert answer.pop("id") == request_id, answer
        return answer

    async def silent(self) -> None:
        """Check that the session has sent nothing that was not received, and is alive."""
        assert await self.ask("still there?", "ping") == {"result": {}}

    async def initialize(self, **capabilities: Any) -> dict[str, Any]:
        """Shake hands as a client."""
        answer = await self.ask(
            "initialize",
            "initialize",
            {
                "protocolVersion": "2025-11-25",
                "capabilities": capabilities,
                "clientInfo": {"name": "raw", "version": "0"},
            },
        )
        await self.send(method="notifications/initialized")
        return answer["result"]

    async def accept(self, **capabilities: Any) -> dict[str, Any]:
        """Shake hands as a server; the params that the client sent."""
        request = await self.receive()
        assert request["method"] == "initialize"
        result = {
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities,
            "serverInfo": {"name": "raw", "version": "0"},
        }
        await self.send(id=request["id"], result=result)
        assert await self.receive() == {"method": "notifications/initialized"}
        return request["params"]

    def hang_up(self) -> None:
        """Send nothing any more."""
        self.out.close()

    def die(self) -> None:
        """Close both directions."""
        self.out.close()
        self._in.close()

    def close(self) -> None:
        """Close all four ends."""
        self.die()
        self.read_stream.close()
        self.write_stream.close()


@pytest.fixture
def raw_peer() -> Callable[..., AbstractAsyncContextManager[RawPeer]]:
    """`raw_peer()`: a peer, whose streams are closed at the end."""

    @asynccontextmanager
    async def connect(buffer: float = math.inf) -> AsyncGenerator[RawPeer, None]:
        peer = RawPeer(buffer)
        try:
            yield peer
        finally:
            peer.close()

    return connect


@pytest.fixture
def raw_client() -> Callable[..., AbstractAsyncContextManager[RawPeer]]:
    """`raw_client(server)`: run a low-level server, and talk to it as a client. Leaving checks that `run` returns."""

    @asynccontextmanager
    async def connect(
        server: Any, *, initialize: bool = True, buffer: float = math.inf, options: Any = None, **run_options: Any
    ) -> AsyncGenerator[RawPeer, None]:
        peer = RawPeer(buffer)
        finished = anyio.Event()

        async def run() -> None:
            await server.run(
                peer.read_stream, peer.write_stream, options or server.create_initialization_options(), **run_options
            )
            finished.set()

        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run)
                if initialize:
                    await peer.initialize()
                yield peer
                peer.die()
                with anyio.fail_after(PATIENCE):
                    await finished.wait()
        finally:
            peer.close()

    return connect


@pytest.fixture(scope="session")
def find_port() -> Callable[[], int]:
    """`find_port()`: a port of 127.0.0.1 on which nothing listens."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    return find


@pytest.fixture(scope="session")
def listening() -> Callable[..., AbstractContextManager[subprocess.Popen[bytes]]]:
    """`with listening([program, file], port)`: a server in a process of its own, as soon as its port takes connections.

    `cwd` is the folder that it runs in, `env` is added to the environment. Its stdout goes nowhere. So does its
    stderr unless `stderr=None`, which leaves it to pytest to show with a test that fails.
    """

    @contextmanager
    def listen(
        command: list[str],
        port: int,
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stderr: int | None = subprocess.DEVNULL,
    ) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
        try:
            deadline = time.monotonic() + START_PATIENCE
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert process.poll() is None, f"ended with {process.returncode} before it listened: {command}"
                assert time.monotonic() < deadline, f"does not listen on port {port}: {command}"
                time.sleep(0.02)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(END_PATIENCE)
            except subprocess.TimeoutExpired:
                # Some stop only after their clients, which wait for them.
                process.kill()
                process.wait(END_PATIENCE)

    return listen
