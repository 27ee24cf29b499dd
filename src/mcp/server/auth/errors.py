"""Validation errors as text."""

from pydantic import ValidationError


def stringify_pydantic_error(validation_error: ValidationError) -> str:
    """Return one line `{dotted.path}: {message}` for each error."""
    return "\n".join(
        f"{'.'.join(str(step) for step in error['loc'])}: {error['msg']}" for error in validation_error.errors()
    )
