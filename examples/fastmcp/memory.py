"""A memory that finds by likeness, in an SQLite file of its own.

    MEMORY_DATABASE=memory.db uv run python examples/fastmcp/memory.py

`embed` counts words, so that the example needs no network; put the call of an embedding model in its place.
"""

import json
import math
import os
import re
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import BaseModel

from mcp.server.fastmcp import Context, FastMCP
from mcp.server.session import ServerSession

SAME = 0.9
"""Memories more alike than this become one."""


def embed(text: str) -> dict[str, float]:
    """A vector of length 1, by word."""
    counts = Counter(re.findall(r"\w+", text.lower()))
    length = math.sqrt(sum(count * count for count in counts.values())) or 1
    return {word: count / length for word, count in counts.items()}


def likeness(a: dict[str, float], b: dict[str, float]) -> float:
    """The cosine: 1 for the same direction, 0 for nothing in common."""
    return sum(value * b.get(word, 0) for word, value in a.items())


class Memory(BaseModel):
    """Something remembered."""

    id: int
    text: str
    importance: int
    likeness: float


@dataclass
class Store:
    """The memories in a database."""

    database: sqlite3.Connection

    def find(self, text: str, limit: int) -> list[Memory]:
        wanted = embed(text)
        rows = self.database.execute("SELECT id, text, importance, embedding FROM memories")
        found = [
            Memory(id=key, text=known, importance=importance, likeness=likeness(wanted, json.loads(vector)))
            for key, known, importance, vector in rows
        ]
        found.sort(key=lambda memory: (memory.likeness, memory.importance), reverse=True)
        return [memory for memory in found if memory.likeness > 0][:limit]

    def add(self, text: str) -> str:
        known = self.find(text, 1)
        with self.database:
            if known and known[0].likeness >= SAME:
                self.database.execute("UPDATE memories SET importance = importance + 1 WHERE id = ?", (known[0].id,))
                return f"Remembered once more: {known[0].text}"
            vector = json.dumps(embed(text))
            self.database.execute("INSERT INTO memories (text, embedding) VALUES (?, ?)", (text, vector))
        return f"Remembered: {text}"


@asynccontextmanager
async def open_store(server: FastMCP) -> AsyncIterator[Store]:
    database = sqlite3.connect(os.environ.get("MEMORY_DATABASE", ":memory:"))
    database.execute(
        "CREATE TABLE IF NOT EXISTS memories"
        " (id INTEGER PRIMARY KEY, text TEXT, importance INTEGER DEFAULT 1, embedding TEXT)"
    )
    try:
        yield Store(database)
    finally:
        database.close()


mcp = FastMCP("memory", lifespan=open_store)


@mcp.tool()
def remember(contents: list[str], ctx: Context[ServerSession, Store]) -> list[str]:
    """Remember some facts; what is known already becomes more important."""
    return [ctx.request_context.lifespan_context.add(content) for content in contents]


@mcp.tool()
def recall(about: str, ctx: Context[ServerSession, Store], limit: int = 5) -> list[Memory]:
    """What is remembered about something, the most alike first."""
    return ctx.request_context.lifespan_context.find(about, limit)


if __name__ == "__main__":
    mcp.run()
