"""Images from data or from a file."""

import struct
import zlib
from pathlib import Path

from mcp.server.fastmcp import FastMCP, Image

mcp = FastMCP("Image Example")


def png(width: int, height: int, red: int, green: int, blue: int) -> bytes:
    """A picture of one colour. Programs use Pillow for this."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + bytes((red, green, blue)) * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@mcp.tool()
def colour(red: int, green: int, blue: int) -> Image:
    """A sample of a colour."""
    return Image(data=png(64, 64, red, green, blue), format="png")


@mcp.tool()
def open_image(path: str) -> Image:
    """An image file; its suffix tells the type."""
    return Image(path=Path(path))


@mcp.tool()
def described() -> list[str | Image]:
    """Text and images together."""
    return ["Red:", colour(255, 0, 0), "Green:", colour(0, 255, 0)]


if __name__ == "__main__":
    mcp.run()
