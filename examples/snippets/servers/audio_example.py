"""Audio from data or from a file."""

import io
import math
import wave
from pathlib import Path

from mcp.server.fastmcp import Audio, FastMCP

mcp = FastMCP("Audio Example")


@mcp.tool()
def beep(hertz: float = 440, seconds: float = 0.2) -> Audio:
    """A tone."""
    rate = 8000
    samples = (128 + 100 * math.sin(2 * math.pi * hertz * n / rate) for n in range(int(rate * seconds)))
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(rate)
        sound.writeframes(bytes(int(sample) for sample in samples))
    return Audio(data=file.getvalue(), format="wav")


@mcp.tool()
def play(path: str) -> Audio:
    """A sound file; its suffix tells the type."""
    return Audio(path=Path(path))


if __name__ == "__main__":
    mcp.run()
