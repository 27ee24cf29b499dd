"""`Image` and `Audio`: media that a tool or prompt returns, turned into content blocks.

Source: specification 2025-11-25, page "Tools", sections "Image Content" and "Audio Content".
"""

import base64
from pathlib import Path

from mcp.types import AudioContent, ImageContent

_OTHER = "application/octet-stream"

_IMAGE_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}

_AUDIO_TYPES = {
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".flac": "audio/flac",
    ".aac": "audio/aac",
    ".m4a": "audio/mp4",
}


class Image:
    """An image to return from a tool or prompt, either a file or bytes.

    Args:
        path: The image file; read when the image is converted, not before.
        data: The bytes of the image.
        format: The MIME subtype, such as `png`; by default that of the file's suffix, `png` for bytes.

    Raises:
        ValueError: Neither or both of `path` and `data` are given.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        data: bytes | None = None,
        format: str | None = None,
    ) -> None:
        if path is None and data is None:
            raise ValueError("Either path or data must be provided")
        if path is not None and data is not None:
            raise ValueError("Only one of path or data can be provided")

        self.path = Path(path) if path else None
        self.data = data
        self._format = format
        self._mime_type = _mime_type("image", format, self.path, _IMAGE_TYPES, "image/png")

    def to_image_content(self) -> ImageContent:
        """The content block of this image.

        Raises:
            OSError: The file cannot be read.
            ValueError: There is neither a file nor data.
        """
        data = _read(self.path, self.data, "image")
        return ImageContent(type="image", data=data, mimeType=self._mime_type)


class Audio:
    """A sound to return from a tool or prompt, either a file or bytes.

    Args:
        path: The sound file; read when the sound is converted, not before.
        data: The bytes of the sound, at least one.
        format: The MIME subtype, such as `wav`; by default that of the file's suffix, `wav` for bytes.

    Raises:
        ValueError: Neither or both of `path` and `data` are given.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        data: bytes | None = None,
        format: str | None = None,
    ) -> None:
        if bool(path) == bool(data):
            raise ValueError("Either path or data can be provided")

        self.path = Path(path) if path else None
        self.data = data
        self._format = format
        self._mime_type = _mime_type("audio", format, self.path, _AUDIO_TYPES, "audio/wav")

    def to_audio_content(self) -> AudioContent:
        """The content block of this sound.

        Raises:
            OSError: The file cannot be read.
            ValueError: There is neither a file nor data.
        """
        data = _read(self.path, self.data, "audio")
        return AudioContent(type="audio", data=data, mimeType=self._mime_type)


def _mime_type(kind: str, format: str | None, path: Path | None, by_suffix: dict[str, str], of_data: str) -> str:
    if format:
        return f"{kind}/{format.lower()}"
    if path is None:
        return of_data
    return by_suffix.get(path.suffix.lower(), _OTHER)


def _read(path: Path | None, data: bytes | None, kind: str) -> str:
    if path is not None:
        data = path.read_bytes()
    if data is None:
        raise ValueError(f"No {kind} data available")
    return base64.b64encode(data).decode("ascii")
