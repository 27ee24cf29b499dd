"""What importing `mcp.types`, and using a part of it, costs."""

import subprocess
import sys

import pytest

FOREIGN = ("anyio", "asyncio", "httpx", "jsonschema", "jwt", "pydantic_settings", "starlette", "typer", "uvicorn")


def run(program: str) -> list[str]:
    """Words that `program` prints in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_import_loads_pydantic_and_nothing_else() -> None:
    program = f"import mcp.types, sys; print(*[name for name in {FOREIGN} if name in sys.modules])"
    assert run(program) == []


def test_import_builds_no_message() -> None:
    """Models are built when first used: the import makes only the generic bases' validators."""
    program = """
from pydantic import BaseModel
from mcp import types

models = [getattr(types, name) for name in types.__all__]
models = [model for model in models if isinstance(model, type) and issubclass(model, BaseModel)]
print(len(models) > 100, *[model.__name__ for model in models if model.__pydantic_complete__])
"""
    many, *built = run(program)
    assert many == "True"
    assert set(built) <= {"Request", "PaginatedRequest", "Notification"}


@pytest.mark.parametrize(
    "use",
    [
        "CallToolResult.model_validate({'content': [{'type': 'text', 'text': 'x'}]}).model_dump_json()",
        "CallToolRequest.model_validate({'params': {'name': 'x'}}).model_dump_json()",
        "ListToolsResult.model_validate({'tools': [{'name': 'x', 'inputSchema': {}}]}).model_dump_json()",
        "JSONRPCMessage.model_validate({'jsonrpc': '2.0', 'id': 1, 'result': {}}).model_dump_json()",
        "ClientRequest.model_construct(CallToolRequest.model_construct()).root",
    ],
)
def test_calling_tools_builds_no_union_of_messages(use: str) -> None:
    program = f"""
from mcp.types import *

{use}
unions = [ClientRequest, ServerRequest, ClientResult, ServerResult, ClientNotification, ServerNotification]
print(*[union.__name__ for union in unions if union.__pydantic_complete__])
"""
    assert run(program) == []
