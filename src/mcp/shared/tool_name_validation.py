"""Tool name rules of SEP-986, and the log lines about breaking them.

A name that breaks them is reported and never refused: tools with such names exist.

Source: specification 2025-11-25, page "Tools", section "Tool Names".
"""

import logging
import re
from dataclasses import dataclass, field
from functools import lru_cache

logger = logging.getLogger(__name__)

TOOL_NAME_REGEX = re.compile("^[A-Za-z0-9._-]{1,128}$")
"""Pattern of a valid tool name, to be used with `fullmatch` (`$` alone also matches before a final newline)."""

SEP_986_URL = "https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-names"
"""Where the specification states the rules."""

_MAX_LENGTH = 128
_INVALID_CHARACTER = re.compile("[^A-Za-z0-9._-]")


@dataclass
class ToolNameValidationResult:
    """The verdict on a tool name: whether it follows the rules, and what to tell its author (also of valid names)."""

    is_valid: bool
    warnings: list[str] = field(default_factory=list[str])


def validate_tool_name(name: str) -> ToolNameValidationResult:
    """Check a tool name against the rules of the specification.

    Args:
        name: The name; any string.

    Returns:
        Valid if the name has 1 to 128 characters, all of them ASCII letters, digits, `_`, `-` or `.`. A dash or dot
        at either end is worth a warning but valid.
    """
    is_valid, warnings = _verdict(name)
    return ToolNameValidationResult(is_valid, list(warnings))


# Each listing looks at every tool again, and the names stay the same.
@lru_cache(maxsize=4096)
def _verdict(name: str) -> tuple[bool, tuple[str, ...]]:
    if not name:
        return False, ("Tool name cannot be empty",)
    if len(name) > _MAX_LENGTH:
        return False, (f"Tool name exceeds maximum length of {_MAX_LENGTH} characters (current: {len(name)})",)

    warnings: list[str] = []
    if " " in name:
        warnings.append("Tool name contains spaces, which may cause parsing issues")
    if "," in name:
        warnings.append("Tool name contains commas, which may cause parsing issues")
    for character, word in (("-", "dash"), (".", "dot")):
        if name.startswith(character) or name.endswith(character):
            warnings.append(f"Tool name starts or ends with a {word}, which may cause parsing issues in some contexts")

    is_valid = TOOL_NAME_REGEX.fullmatch(name) is not None
    if not is_valid:
        # A dict keeps each character once, in order of appearance.
        invalid = dict.fromkeys(_INVALID_CHARACTER.findall(name))
        warnings.append(f"Tool name contains invalid characters: {', '.join(map(repr, invalid))}")
        warnings.append("Allowed characters are: A-Z, a-z, 0-9, underscore (_), dash (-), and dot (.)")
    return is_valid, tuple(warnings)


def issue_tool_name_warning(name: str, warnings: list[str]) -> None:
    """Log `warnings` about a tool name, at level WARNING; nothing if there are none.

    Args:
        name: The tool name.
        warnings: As found by `validate_tool_name`.
    """
    if not warnings:
        return
    logger.warning('Tool name validation warning for "%s":', name)
    for warning in warnings:
        logger.warning("  - %s", warning)
    logger.warning("Tool registration will proceed, but this may cause compatibility issues.")
    logger.warning("Consider updating the tool name to conform to the MCP tool naming standard.")
    logger.warning("See SEP-986 (%s) for more details.", SEP_986_URL)


def validate_and_warn_tool_name(name: str) -> bool:
    """Check a tool name and log what is wrong with it.

    Args:
        name: The name; any string.

    Returns:
        Whether the name follows the rules.
    """
    is_valid, warnings = _verdict(name)
    if warnings:
        issue_tool_name_warning(name, list(warnings))
    return is_valid
