"""Concrete resources: text, binary, function, file, HTTP, directory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio.to_thread
from pydantic import AnyUrl, Field, field_validator

from mcp.server.fastmcp.resources.base import Resource
from mcp.server.fastmcp.utilities._callables import callable_name, documentation
from mcp.server.fastmcp.utilities._content import to_json_text
from mcp.server.fastmcp.utilities._validated import validated
from mcp.server.fastmcp.utilities.calling import called
from mcp.shared.exceptions import UrlElicitationRequiredError
from mcp.types import Annotations, Icon


class TextResource(Resource):
    """A fixed text.

    Args:
        text: The text.
    """

    text: str

    async def read(self) -> str:
        """The text."""
        return self.text


class BinaryResource(Resource):
    """Fixed bytes.

    Args:
        data: The bytes.
    """

    data: bytes

    async def read(self) -> bytes:
        """The bytes."""
        return self.data


class FunctionResource(Resource):
    """What a function returns, which is called at each read.

    Text and bytes are content as they are, another `Resource` is read, anything else becomes JSON.

    Args:
        fn: A function without parameters.
        run_in_thread: Whether a plain function runs in a worker thread; None for the server's setting.
    """

    fn: Callable[[], Any] = Field(exclude=True)
    run_in_thread: bool | None = Field(default=None, exclude=True, repr=False)

    async def read(self) -> str | bytes:
        """Call the function.

        Raises:
            ValueError: It failed; the exception is its `__cause__`.
            UrlElicitationRequiredError: It raised that.
        """
        try:
            result = await called(self.fn, {}, run_in_thread=self.run_in_thread, kind="resource", name=str(self.uri))
            return await _content(result)
        except UrlElicitationRequiredError:
            # Clients must see its code and data to act on it.
            raise
        except Exception as error:
            raise ValueError(f"Error reading resource {self.uri}: {error}") from error

    @classmethod
    def from_function(
        cls,
        fn: Callable[..., Any],
        uri: str,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        mime_type: str | None = None,
        icons: list[Icon] | None = None,
        annotations: Annotations | None = None,
        meta: dict[str, Any] | None = None,
        run_in_thread: bool | None = None,
    ) -> "FunctionResource":
        """Build a resource of a function.

        Args:
            fn: A function without required parameters.
            uri: Where the resource is.
            name: Its name; that of the function if not given.
            title: A name for people.
            description: What it is; the function's docstring if not given.
            mime_type: What its content is; `text/plain` if not given.
            icons: Pictures for user interfaces.
            annotations: For whom it is, and how important.
            meta: `_meta` of the resource.
            run_in_thread: Whether a plain function runs in a worker thread; None for the server's setting.

        Raises:
            ValueError: A lambda has no name, or the URI or MIME type is not valid.
        """
        resource_name = name or callable_name(fn)
        if resource_name == "<lambda>":
            raise ValueError("You must provide a name for lambda functions")
        return cls(
            uri=AnyUrl(uri),
            name=resource_name,
            title=title,
            description=description or documentation(fn),
            mime_type=mime_type or "text/plain",
            fn=validated(fn, None),
            icons=icons,
            annotations=annotations,
            meta=meta,
            run_in_thread=run_in_thread,
        )


class FileResource(Resource):
    """A file; symbolic links are followed.

    Args:
        path: The file, as an absolute path.
        is_binary: Whether its content is bytes; if not given, unless the MIME type is that of a text.
        mime_type: What its content is, any text.
    """

    path: Path
    is_binary: bool = False
    mime_type: str = "text/plain"

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return _absolute(path)

    def model_post_init(self, context: Any, /) -> None:
        """Read as bytes what is no text, unless told otherwise."""
        if "is_binary" not in self.model_fields_set:
            self.is_binary = not self.mime_type.startswith("text/")

    async def read(self) -> str | bytes:
        """Read the file, text as UTF-8.

        Raises:
            ValueError: It cannot be read; the exception is its `__cause__`.
        """
        try:
            if self.is_binary:
                return await anyio.to_thread.run_sync(self.path.read_bytes)
            return await anyio.to_thread.run_sync(lambda: self.path.read_text(encoding="utf-8"))
        except Exception as error:
            raise ValueError(f"Error reading file {self.path}: {error}") from error


class HttpResource(Resource):
    """What an HTTP server answers to GET; redirects are not followed.

    Args:
        url: Where to ask.
        mime_type: What the answer is, any text.
    """

    url: str
    mime_type: str = "application/json"

    async def read(self) -> str | bytes:
        """Ask the HTTP server.

        Raises:
            httpx.HTTPError: It cannot be reached, or answers with an error.
        """
        import httpx

        async with httpx.AsyncClient() as client:
            response = await client.get(self.url)
            response.raise_for_status()
            return response.text


class DirectoryResource(Resource):
    """The names of the files in a directory, as JSON: `{"files": [...]}`.

    Args:
        path: The directory, as an absolute path.
        recursive: Whether to look into directories below.
        pattern: Which files to list, such as `*.txt`; all if not given.
        mime_type: What the content is.
    """

    path: Path
    recursive: bool = False
    pattern: str | None = None
    mime_type: str = "application/json"

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return _absolute(path)

    def list_files(self) -> list[Path]:
        """The files and directories that match, as the file system gives them.

        Raises:
            FileNotFoundError: There is no such directory.
            NotADirectoryError: It is something else.
            ValueError: It cannot be listed.
        """
        if not self.path.exists():
            raise FileNotFoundError(f"Directory not found: {self.path}")
        if not self.path.is_dir():
            raise NotADirectoryError(f"Not a directory: {self.path}")
        try:
            pattern = self.pattern or "*"
            return list(self.path.rglob(pattern) if self.recursive else self.path.glob(pattern))
        except Exception as error:
            raise ValueError(f"Error listing directory: {error}") from error

    async def read(self) -> str:
        """List the files, as paths below the directory.

        Raises:
            ValueError: It cannot be read; the exception is its `__cause__`.
        """
        try:
            files = await anyio.to_thread.run_sync(
                lambda: [str(path.relative_to(self.path)) for path in self.list_files() if path.is_file()]
            )
            return json.dumps({"files": files}, indent=2)
        except Exception as error:
            raise ValueError(f"Error reading directory {self.path}: {error}") from error


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("Path must be absolute")
    return path


async def _content(result: Any) -> str | bytes:
    if isinstance(result, Resource):
        return await result.read()
    return result if isinstance(result, str | bytes) else to_json_text(result)
