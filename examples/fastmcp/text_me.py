"""Text messages through a service, whose address and key come from the environment or from `.env`.

TEXT_ME_URL=https://sms.example.com/send TEXT_ME_KEY=... TEXT_ME_NUMBER=... uv run python examples/fastmcp/text_me.py
"""

from typing import Annotated

import httpx
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError


class Settings(BaseSettings):
    """Where messages go. What is missing is named when the tool is used."""

    model_config = SettingsConfigDict(env_prefix="TEXT_ME_", env_file=".env", extra="ignore")

    url: str
    key: SecretStr
    number: Annotated[str, Field(pattern=r"^\+?\d+$")]


mcp = FastMCP("Text me")


@mcp.tool(name="textme", description="Send a text message to me")
async def text_me(content: Annotated[str, Field(max_length=160)]) -> str:
    """Send a text message to the one phone number of the settings, so that a model cannot text anybody else."""
    settings = Settings.model_validate({})
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {settings.key.get_secret_value()}"}) as client:
        response = await client.post(settings.url, json={"to": settings.number, "content": content})
    if response.is_error:
        raise ToolError(f"The service answered {response.status_code}")
    return "Message sent"


if __name__ == "__main__":
    mcp.run()
