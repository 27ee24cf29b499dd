"""Ties task ids to the session that made them.

A task id made for a session is `<scope>:<uuid>`, the scope being 32 hexadecimal digits that only the session's tasks
have. Ids without a scope belong to nobody: whoever knows one may use it, and none is ever listed.
"""

from __future__ import annotations

import re
import uuid

_SCOPED = re.compile(r"([0-9a-f]{32}):")


def new_session_scope() -> str:
    """A fresh scope."""
    return uuid.uuid4().hex


def scoped_task_id(session_scope: str) -> str:
    """A fresh task id in a scope."""
    return f"{session_scope}:{uuid.uuid4()}"


def session_scope_of(task_id: str) -> str | None:
    """The scope of a task id, None if it has none."""
    match = _SCOPED.match(task_id)
    return match.group(1) if match else None


def task_in_session_scope(task_id: str, session_scope: str | None) -> bool:
    """Whether a session of this scope may use the task."""
    scope = session_scope_of(task_id)
    return scope is None or scope == session_scope


def task_listable_in_session_scope(task_id: str, session_scope: str | None) -> bool:
    """Whether a session of this scope is shown the task in a list."""
    return session_scope is not None and session_scope_of(task_id) == session_scope
