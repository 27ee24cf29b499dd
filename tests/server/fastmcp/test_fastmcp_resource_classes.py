"""Text, binary, file, directory, HTTP and function resources."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest
from pydantic import AnyUrl, ValidationError

from mcp.server.fastmcp.resources import (
    BinaryResource,
    DirectoryResource,
    FileResource,
    FunctionResource,
    HttpResource,
    Resource,
    TextResource,
)

pytestmark = pytest.mark.anyio

URI = AnyUrl("r://x")


def test_resource_is_abstract():
    """RES-REG-15"""
    with pytest.raises(TypeError, match="abstract"):
        Resource(uri=URI)  # pyright: ignore


async def test_text_and_binary():
    """RCLS-1"""
    text, binary = TextResource(uri=URI, text="t"), BinaryResource(uri=URI, data=b"\xff")
    assert (text.mime_type, await text.read()) == ("text/plain", "t")
    assert (binary.mime_type, await binary.read()) == ("text/plain", b"\xff")


@pytest.mark.parametrize("cls", [FileResource, DirectoryResource])
def test_paths_are_absolute(cls: Any):
    """RCLS-2, RCLS-8"""
    with pytest.raises(ValidationError, match="Path must be absolute"):
        cls(uri=URI, path=Path("relative"))


@pytest.mark.parametrize(
    ("options", "content"),
    [
        ({}, "é\n"),
        ({"mime_type": "text/markdown"}, "é\n"),
        ({"mime_type": "application/json"}, "é\n".encode()),
        ({"mime_type": "anything goes"}, "é\n".encode()),
        ({"mime_type": "application/json", "is_binary": False}, "é\n"),
        ({"is_binary": True}, "é\n".encode()),
    ],
)
async def test_file(tmp_path: Path, options: dict[str, Any], content: str | bytes):
    """RCLS-2, RCLS-3, RCLS-4, RCLS-5: text is UTF-8 whatever the platform thinks."""
    path = tmp_path / "f.txt"
    path.write_bytes("é\n".encode())
    resource = FileResource(uri=URI, path=path, **options)
    assert await resource.read() == content
    assert resource.is_binary is isinstance(content, bytes)


async def test_file_that_cannot_be_read(tmp_path: Path):
    """RCLS-5"""
    path = tmp_path / "missing"
    with pytest.raises(ValueError, match=rf"^Error reading file {path}: .*No such file"):
        await FileResource(uri=URI, path=path).read()
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match=rf"^Error reading file {path}: .*utf-8"):
        await FileResource(uri=URI, path=path).read()


async def test_files_are_read_in_a_worker_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """RCLS-6"""
    (tmp_path / "f").write_text("x")
    threads: list[int] = []
    original = anyio.to_thread.run_sync

    async def noting(fn: Any, *args: Any, **kwargs: Any) -> Any:
        def in_thread(*args: Any) -> Any:
            threads.append(threading.get_ident())
            return fn(*args)

        return await original(in_thread, *args, **kwargs)

    monkeypatch.setattr(anyio.to_thread, "run_sync", noting)
    await FileResource(uri=URI, path=tmp_path / "f").read()
    await DirectoryResource(uri=URI, path=tmp_path).read()
    assert len(threads) == 2
    assert threading.get_ident() not in threads


async def test_symbolic_links_are_followed(tmp_path: Path):
    """RCLS-11"""
    (tmp_path / "target").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert await FileResource(uri=URI, path=tmp_path / "link").read() == "x"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = int(self.path.strip("/"))
        self.send_response(status)
        self.send_header("Location", "/200")
        self.end_headers()
        self.wfile.write(b"body")

    def log_message(self, format: str, *args: Any) -> None:
        pass


async def test_http():
    """RCLS-7"""
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            base = f"http://127.0.0.1:{server.server_port}"
            resource = HttpResource(uri=URI, url=f"{base}/200")
            assert resource.mime_type == "application/json"
            assert await resource.read() == "body"
            for status in (302, 404):
                with pytest.raises(httpx.HTTPStatusError):
                    await HttpResource(uri=URI, url=f"{base}/{status}").read()
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("")
    (tmp_path / ".hidden").write_text("")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.txt").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "files"),
    [
        ({}, [".hidden", "a.txt"]),
        ({"pattern": "*.txt"}, ["a.txt"]),
        ({"recursive": True}, [".hidden", "a.txt", "sub/b.txt"]),
        ({"recursive": True, "pattern": "*.txt"}, ["a.txt", "sub/b.txt"]),
        ({"pattern": "nothing"}, []),
    ],
)
async def test_directory(tree: Path, options: dict[str, Any], files: list[str]):
    """RCLS-8, RCLS-9"""
    import json

    resource = DirectoryResource(uri=URI, path=tree, mime_type="any text", **options)
    content = await resource.read()
    assert sorted(json.loads(content)["files"]) == files
    assert content.startswith('{\n  "files": [')
    assert DirectoryResource(uri=URI, path=tree).mime_type == "application/json"


async def test_directory_that_is_none(tree: Path):
    """RCLS-10"""
    for path, reason in (
        (tree / "missing", f"Directory not found: {tree / 'missing'}"),
        (tree / "a.txt", f"Not a directory: {tree / 'a.txt'}"),
    ):
        with pytest.raises(ValueError, match=r"^Error reading directory ") as caught:
            await DirectoryResource(uri=URI, path=path).read()
        assert str(caught.value) == f"Error reading directory {path}: {reason}"
    with pytest.raises(ValueError, match=r"^Error listing directory: "):
        DirectoryResource(uri=URI, path=tree, pattern="/absolute").list_files()


async def test_function_is_lazy():
    """RCLS-12"""
    calls: list[int] = []

    def fn() -> str:
        calls.append(1)
        raise RuntimeError("bad")

    resource = FunctionResource(uri=URI, name="n", fn=fn)
    assert calls == []
    with pytest.raises(ValueError, match=r"^Error reading resource r://x: bad$"):
        await resource.read()
    assert calls == [1]
    assert "fn" not in resource.model_dump()
