"""Constants of `mcp.types`."""

import pytest

from mcp import types


def test_protocol_versions() -> None:
    """TYP-1."""
    assert types.LATEST_PROTOCOL_VERSION == "2025-11-25"
    assert types.DEFAULT_NEGOTIATED_VERSION == "2025-03-26"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("PARSE_ERROR", -32700),
        ("INVALID_REQUEST", -32600),
        ("METHOD_NOT_FOUND", -32601),
        ("INVALID_PARAMS", -32602),
        ("INTERNAL_ERROR", -32603),
        ("CONNECTION_CLOSED", -32000),
        ("URL_ELICITATION_REQUIRED", -32042),
    ],
)
def test_error_codes(name: str, code: int) -> None:
    """TYP-2."""
    assert getattr(types, name) == code


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TASK_STATUS_WORKING", "working"),
        ("TASK_STATUS_INPUT_REQUIRED", "input_required"),
        ("TASK_STATUS_COMPLETED", "completed"),
        ("TASK_STATUS_FAILED", "failed"),
        ("TASK_STATUS_CANCELLED", "cancelled"),
        ("TASK_FORBIDDEN", "forbidden"),
        ("TASK_OPTIONAL", "optional"),
        ("TASK_REQUIRED", "required"),
    ],
)
def test_task_constants_are_plain_strings(name: str, value: str) -> None:
    """TYP-3."""
    assert type(getattr(types, name)) is str
    assert getattr(types, name) == value
