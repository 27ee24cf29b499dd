"""What no server or client can get below: the same bytes through the same drivers, and no MCP package at all.

python floors.py stdio                       read a line, parse it, write the answer
python floors.py json PORT | sse PORT        an ASGI function under uvicorn (h11, the standard loop) that does the same
"""

from __future__ import annotations

import os
import sys
from typing import Any

from pydantic_core import from_json, to_json

INITIALIZED = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "floor", "version": "1"},
}


def answer(body: bytes) -> bytes | None:
    """The answer to one message; None to a notification."""
    message = from_json(body)
    if "id" not in message:
        return None
    if message["method"] == "initialize":
        result: dict[str, Any] = INITIALIZED
    else:
        arguments = message["params"]["arguments"]
        text, value = (
            (arguments["value"], arguments["value"])
            if "value" in arguments
            else (str(arguments["a"] + arguments["b"]), arguments["a"] + arguments["b"])
        )
        result = {
            "content": [{"type": "text", "text": text}],
            "structuredContent": {"result": value},
            "isError": False,
        }
    return to_json({"jsonrpc": "2.0", "id": message["id"], "result": result})


def serve_stdio() -> None:
    with open(0, "rb", buffering=1 << 20) as lines:
        for line in lines:
            reply = answer(line)
            if reply is not None:
                rest = memoryview(reply + b"\n")
                while rest:
                    rest = rest[os.write(1, rest) :]


def serve_http(events: bool, port: int) -> None:
    import uvicorn

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        reply = answer(body)
        kind = b"text/event-stream" if events and reply else b"application/json"
        head = [(b"content-type", kind), (b"mcp-session-id", b"floor")]
        payload = reply or b""
        if events and reply:
            payload = b"event: message\r\ndata: " + reply + b"\r\n\r\n"
        else:
            head.append((b"content-length", str(len(payload)).encode()))
        await send({"type": "http.response.start", "status": 200 if reply else 202, "headers": head})
        await send({"type": "http.response.body", "body": payload})

    uvicorn.run(app, port=port, log_level="error", loop="asyncio", http="h11", lifespan="off")


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        serve_stdio()
    else:
        serve_http(sys.argv[1] == "sse", int(sys.argv[2]))
