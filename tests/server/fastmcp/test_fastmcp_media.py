"""`Image` and `Audio`."""

import base64
from pathlib import Path

import pytest

from mcp.server.fastmcp import Audio, FastMCP, Image
from mcp.types import AudioContent, ImageContent

pytestmark = pytest.mark.anyio


def test_image_takes_a_path_or_data():
    """IMG-1"""
    with pytest.raises(ValueError, match=r"^Either path or data must be provided$"):
        Image()
    with pytest.raises(ValueError, match=r"^Only one of path or data can be provided$"):
        Image(path="a.png", data=b"x")


@pytest.mark.parametrize(
    ("name", "format", "expected"),
    [
        ("a.png", None, "image/png"),
        ("a.jpg", None, "image/jpeg"),
        ("a.JPEG", None, "image/jpeg"),
        ("a.gif", None, "image/gif"),
        ("a.webp", None, "image/webp"),
        ("a.bmp", None, "application/octet-stream"),
        ("a", None, "application/octet-stream"),
        ("a.png", "SVG+xml", "image/svg+xml"),
    ],
)
@pytest.mark.parametrize("as_path", [True, False])
def test_image_type_of_a_file(tmp_path: Path, name: str, format: str | None, expected: str, as_path: bool):
    """IMG-2"""
    path = tmp_path / name
    path.write_bytes(b"data")
    image = Image(path=path if as_path else str(path), format=format)
    assert image.path == path
    assert image.to_image_content() == ImageContent(
        type="image", data=base64.b64encode(b"data").decode(), mimeType=expected
    )


def test_image_type_of_data():
    """IMG-2"""
    assert Image(data=b"x").to_image_content().mimeType == "image/png"
    assert Image(data=b"x", format="JPEG").to_image_content().mimeType == "image/jpeg"


async def test_image_file_is_read_on_conversion(tmp_path: Path):
    """IMG-3"""
    image = Image(path=tmp_path / "later.png")
    with pytest.raises(FileNotFoundError):
        image.to_image_content()
    mcp = FastMCP()
    mcp.add_tool(lambda: image, name="later")
    with pytest.raises(Exception, match=r"^Error executing tool later: .*No such file"):
        await mcp.call_tool("later", {})
    (tmp_path / "later.png").write_bytes(b"x")
    assert await mcp.call_tool("later", {}) == [ImageContent(type="image", data="eA==", mimeType="image/png")]


def test_image_without_content():
    """IMG-4"""
    assert Image(data=b"").to_image_content().data == ""
    with pytest.raises(ValueError, match=r"^No image data available$"):
        Image(path="").to_image_content()


@pytest.mark.parametrize(("path", "data"), [(None, None), ("a.wav", b"x"), (None, b""), ("", None)])
def test_audio_takes_a_path_or_data(path: str | None, data: bytes | None):
    """AUD-1"""
    with pytest.raises(ValueError, match=r"^Either path or data can be provided$"):
        Audio(path=path, data=data)


@pytest.mark.parametrize(
    ("name", "format", "expected"),
    [
        ("a.wav", None, "audio/wav"),
        ("a.MP3", None, "audio/mpeg"),
        ("a.ogg", None, "audio/ogg"),
        ("a.flac", None, "audio/flac"),
        ("a.aac", None, "audio/aac"),
        ("a.m4a", None, "audio/mp4"),
        ("a.xyz", None, "application/octet-stream"),
        ("a.wav", "OPUS", "audio/opus"),
    ],
)
def test_audio_type_of_a_file(tmp_path: Path, name: str, format: str | None, expected: str):
    """AUD-2"""
    path = tmp_path / name
    path.write_bytes(b"x")
    assert Audio(path=path, format=format).to_audio_content() == AudioContent(
        type="audio", data="eA==", mimeType=expected
    )


def test_audio_type_of_data():
    """AUD-2"""
    assert Audio(data=b"x").to_audio_content().mimeType == "audio/wav"
    assert Audio(data=b"x", format="MP3").to_audio_content().mimeType == "audio/mp3"
    audio = Audio(data=b"x")
    audio.data = None
    with pytest.raises(ValueError, match=r"^No audio data available$"):
        audio.to_audio_content()
