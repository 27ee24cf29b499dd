"""Reading bodies of HTTP responses that may never end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx

DRAIN_TIMEOUT = 0.2
"""Seconds that the rest of a body may take to come, so that its connection can be used again."""

DRAIN_LIMIT = 64 * 1024
"""Bytes of the rest of a body that are read for that."""


@asynccontextmanager
async def body_chunks(response: httpx.Response) -> AsyncGenerator[AsyncIterator[bytes], None]:
    """The chunks of a body, which need not be read to the end.

    A body that is left in the middle is several generators deep, and none of them closes the next one. Reading on under
    cancellation ends them all.
    """
    chunks = response.aiter_bytes()
    try:
        yield chunks
    finally:
        await _read_on(chunks, patience=0.0, limit=0)


async def drain(chunks: AsyncIterator[bytes]) -> None:
    """Read the rest of a body, if it comes soon and is small: its connection can then be used again."""
    await _read_on(chunks, patience=DRAIN_TIMEOUT, limit=DRAIN_LIMIT)


async def drain_body(response: httpx.Response) -> None:
    """The same for a body of which nothing has been read."""
    async with body_chunks(response) as chunks:
        await drain(chunks)


async def read_limited(response: httpx.Response, *, limit: int, patience: float) -> bytes:
    """What comes of a body within a limit of bytes and of seconds."""
    body = bytearray()
    async with body_chunks(response) as chunks:
        with anyio.move_on_after(patience):
            try:
                async for chunk in chunks:
                    body += chunk[: limit - len(body)]
                    if len(body) >= limit:
                        break
            except httpx.HTTPError:
                # What has come is all there is.
                pass
    return bytes(body)


async def _read_on(chunks: AsyncIterator[bytes], *, patience: float, limit: int) -> None:
    size = 0
    with anyio.move_on_after(patience) as scope:
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    scope.cancel()
        except httpx.HTTPError:
            # Of no use any more anyway.
            return
