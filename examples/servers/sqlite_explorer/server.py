"""Explore an SQLite database: its schema as a resource, queries as a tool, which can only read.

    uv run python examples/servers/sqlite_explorer/server.py [DATABASE]

Without a database it explores a small one that it makes itself.
"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError

MAX_ROWS = 100
MAX_STEPS = 10_000_000
"""Instructions of SQLite's machine after which a query is given up."""

SAMPLE = """
CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE books (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, year INTEGER, author_id INTEGER REFERENCES authors (id)
);
INSERT INTO authors VALUES (1, 'Ursula K. Le Guin'), (2, 'Stanisław Lem');
INSERT INTO books VALUES
    (1, 'The Dispossessed', 1974, 1), (2, 'The Left Hand of Darkness', 1969, 1), (3, 'Solaris', 1961, 2);
"""


def make_sample() -> Path:
    path = Path(mkdtemp(), "books.db")
    database = sqlite3.connect(path)
    database.executescript(SAMPLE)
    database.close()
    return path


# Queries block, and must not hold up other requests.
mcp = FastMCP("SQLite Explorer", sync_in_threads=True)
path: Path | None = None


@contextmanager
def opened() -> Iterator[sqlite3.Connection]:
    global path
    if path is None:
        path = make_sample()
    # Read-only: whatever the model writes, nothing changes.
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        yield database
    finally:
        database.close()


@mcp.resource("schema://main", mime_type="application/sql")
def schema() -> str:
    """The schema of the database."""
    with opened() as database:
        rows = database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        return "\n\n".join(f"{sql};" for (sql,) in rows)


@mcp.tool()
def list_tables() -> dict[str, int]:
    """The tables, each with its number of rows."""
    with opened() as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: database.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in names}


@mcp.tool()
def query_data(sql: str) -> list[dict[str, Any]]:
    """Run a query; at most 100 rows come back."""
    with opened() as database:
        database.row_factory = sqlite3.Row
        # A true value ends the query.
        database.set_progress_handler(lambda: 1, MAX_STEPS)
        try:
            return [dict(row) for row in database.execute(sql).fetchmany(MAX_ROWS)]
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise ToolError(str(error)) from error


@mcp.prompt()
def explore(question: str) -> str:
    """Ask a question about the data."""
    return f"Answer by querying the database.\n\nSchema:\n{schema()}\n\nQuestion: {question}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        path = Path(sys.argv[1])
        if not path.is_file():
            sys.exit(f"There is no database {path}")
    mcp.run()
