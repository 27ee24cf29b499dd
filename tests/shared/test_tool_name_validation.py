"""SEP-986 tool names: the verdict, the warnings, the log."""

import logging
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mcp.shared.tool_name_validation import (
    SEP_986_URL,
    TOOL_NAME_REGEX,
    ToolNameValidationResult,
    issue_tool_name_warning,
    validate_and_warn_tool_name,
    validate_tool_name,
)

LOGGER = "mcp.shared.tool_name_validation"

SPACES = "Tool name contains spaces, which may cause parsing issues"
COMMAS = "Tool name contains commas, which may cause parsing issues"
DASH = "Tool name starts or ends with a dash, which may cause parsing issues in some contexts"
DOT = "Tool name starts or ends with a dot, which may cause parsing issues in some contexts"
ALLOWED = "Allowed characters are: A-Z, a-z, 0-9, underscore (_), dash (-), and dot (.)"


def _invalid(characters: str) -> str:
    return f"Tool name contains invalid characters: {characters}"


def _too_long(length: int) -> str:
    return f"Tool name exceeds maximum length of 128 characters (current: {length})"


@pytest.mark.parametrize("name", ["a", "getUser", "DATA_EXPORT_v2", "admin.tools.list", "a-b", "7", "a" * 128])
def test_valid_names(name: str) -> None:
    """SES-51, NAME-1, NAME-9."""
    assert validate_tool_name(name) == ToolNameValidationResult(is_valid=True, warnings=[])


@pytest.mark.parametrize(
    ("name", "warnings"),
    [
        ("", ["Tool name cannot be empty"]),
        ("a" * 129, [_too_long(129)]),
        (" " * 130, [_too_long(130)]),
        ("a b", [SPACES, _invalid("' '"), ALLOWED]),
        ("a,b", [COMMAS, _invalid("','"), ALLOWED]),
        (", ,", [SPACES, COMMAS, _invalid("',', ' '"), ALLOWED]),
        ("é\té!", [_invalid(r"'é', '\t', '!'"), ALLOWED]),
        ("it's", [_invalid('"\'"'), ALLOWED]),
        ("name\n", [_invalid(r"'\n'"), ALLOWED]),
        ("-a b.", [SPACES, DASH, DOT, _invalid("' '"), ALLOWED]),
        ("٣", [_invalid("'٣'"), ALLOWED]),
    ],
)
def test_invalid_names(name: str, warnings: list[str]) -> None:
    """SES-51, NAME-2, NAME-3, NAME-4, NAME-6: texts and their order; a trailing newline is invalid (NAME-1)."""
    assert validate_tool_name(name) == ToolNameValidationResult(is_valid=False, warnings=warnings)


@pytest.mark.parametrize(
    ("name", "warnings"),
    [("-a", [DASH]), ("a-", [DASH]), ("-", [DASH]), (".a", [DOT]), ("a.", [DOT]), ("-a.", [DASH, DOT]), ("._.", [DOT])],
)
def test_valid_names_with_a_warning(name: str, warnings: list[str]) -> None:
    """SES-51, NAME-5."""
    assert validate_tool_name(name) == ToolNameValidationResult(is_valid=True, warnings=warnings)


@given(st.text(max_size=140))
@example("ok\n")
@example("x" * 128)
def test_verdict_follows_the_pattern(name: str) -> None:
    """NAME-1: the verdict is a full match of the pattern, and no refusal goes without a reason."""
    result = validate_tool_name(name)
    assert result.is_valid == bool(re.fullmatch("[A-Za-z0-9._-]{1,128}", name))
    assert result.is_valid == bool(TOOL_NAME_REGEX.fullmatch(name))
    assert result.is_valid or result.warnings


def test_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    """SES-52, NAME-7, NAME-9: everything at WARNING on the module's logger; the return value is the bare verdict."""
    assert validate_and_warn_tool_name("-a b") is False
    assert SEP_986_URL == "https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-names"
    assert caplog.record_tuples == [
        (LOGGER, logging.WARNING, text)
        for text in [
            'Tool name validation warning for "-a b":',
            f"  - {SPACES}",
            f"  - {DASH}",
            "  - Tool name contains invalid characters: ' '",
            f"  - {ALLOWED}",
            "Tool registration will proceed, but this may cause compatibility issues.",
            "Consider updating the tool name to conform to the MCP tool naming standard.",
            f"See SEP-986 ({SEP_986_URL}) for more details.",
        ]
    ]


def test_a_valid_name_with_a_warning_is_logged_and_accepted(caplog: pytest.LogCaptureFixture) -> None:
    """SES-52, NAME-5."""
    assert validate_and_warn_tool_name("a.") is True
    assert f"  - {DOT}" in caplog.messages


def test_nothing_to_warn_about_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """SES-52."""
    caplog.set_level(logging.DEBUG)
    assert validate_and_warn_tool_name("fine") is True
    issue_tool_name_warning("fine", [])
    assert caplog.records == []


def test_a_percent_sign_in_a_name_does_not_break_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """SES-52: it never raises."""
    assert validate_and_warn_tool_name("100%s") is False
    assert caplog.messages[0] == 'Tool name validation warning for "100%s":'
