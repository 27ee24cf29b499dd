"""Takes a call up again after the program itself was gone: with the session id and the id of the last event.

    uv run python examples/servers/simple-streamablehttp/server.py
    uv run python examples/clients/resumption/client.py --crash-after 2
    uv run python examples/clients/resumption/client.py

While the program lives none of this is needed: the transport comes back to a broken stream by itself.
"""

import argparse
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import gettempdir

import anyio
import httpx

import mcp.types as types
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import ClientMessageMetadata

REQUEST = types.ClientRequest(
    types.CallToolRequest(
        params=types.CallToolRequestParams(
            name="start-notification-stream", arguments={"interval": 0.2, "count": 6, "caller": "resumption"}
        )
    )
)


@dataclass
class State:
    """What has to survive."""

    session_id: str
    protocol_version: str
    last_event: str


class Program:
    """Calls a tool that takes its time.

    Args:
        url: The endpoint.
        file: Where the state is kept.
        crash_after: After how many messages the program is gone.
    """

    def __init__(self, url: str, file: Path, crash_after: int) -> None:
        self._url, self._file, self._crash_after = url, file, crash_after
        self._messages = 0

    async def on_log(self, params: types.LoggingMessageNotificationParams) -> None:
        print(f"  {params.data}", flush=True)
        self._messages += 1
        if self._messages == self._crash_after:
            os._exit(1)

    async def start(self) -> types.CallToolResult:
        """Call the tool, and note down each event."""
        async with streamable_http_client(self._url) as (read, write, get_session_id):
            async with ClientSession(read, write, logging_callback=self.on_log) as session:
                version = str((await session.initialize()).protocolVersion)

                async def on_event(event_id: str) -> None:
                    state = State(get_session_id() or "", version, event_id)
                    self._file.write_text(json.dumps(asdict(state)))

                metadata = ClientMessageMetadata(on_resumption_token_update=on_event)
                return await session.send_request(REQUEST, types.CallToolResult, metadata=metadata)

    async def resume(self, state: State) -> types.CallToolResult:
        """Come back to the session, without a handshake, for the rest of the call."""
        headers = {"Mcp-Session-Id": state.session_id, "Mcp-Protocol-Version": state.protocol_version}
        async with (
            httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(30, read=300)) as http_client,
            streamable_http_client(self._url, http_client=http_client) as (read, write, _),
            ClientSession(read, write, logging_callback=self.on_log) as session,
        ):
            metadata = ClientMessageMetadata(resumption_token=state.last_event)
            return await session.send_request(REQUEST, types.CallToolResult, metadata=metadata)

    async def run(self) -> None:
        if self._file.exists():
            print("Coming back", flush=True)
            result = await self.resume(State(**json.loads(self._file.read_text())))
        else:
            print("Calling", flush=True)
            result = await self.start()
        self._file.unlink(missing_ok=True)
        print(result.content[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:3000/mcp")
    parser.add_argument("--state", type=Path, default=Path(gettempdir(), "mcp-resumption.json"))
    parser.add_argument("--crash-after", type=int, default=0, metavar="MESSAGES")
    arguments = parser.parse_args()
    anyio.run(Program(arguments.url, arguments.state, arguments.crash_after).run)


if __name__ == "__main__":
    main()
