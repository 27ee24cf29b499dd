"""The short way to a schema gives what pydantic gives."""

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, Field

from mcp.server.fastmcp.utilities.func_metadata import func_metadata

PLAIN = [
    int,
    str,
    float,
    bool,
    Any,
    list[int],
    list[list[str]],
    list[Any],
    dict[str, float],
    dict[str, Any],
    dict[str, list[bool]],
    int | None,
    Optional[str],  # noqa: UP045
    None | float,
    list[int] | None,
    dict[str, int] | None,
    list[int | None],
]


class Model(BaseModel):
    x: int


class Integer(int):
    pass


OTHER = [
    None,
    bytes,
    list,
    dict,
    dict[int, str],
    set[int],
    tuple[int, ...],
    int | str,
    int | str | None,
    Any | None,
    Literal["a"],
    Model,
    Annotated[int, Field(ge=1)],
    list[Model],
    Model | None,
    dict[str, Model],
]


def made(annotation: Any, default: Any, name: str = "some_name") -> Callable[..., Any]:
    scope: dict[str, Any] = {"default": default}
    exec(f"def fn({name}{'' if default is ... else '=default'}, other: int = 1): ...", scope)
    scope["fn"].__annotations__[name] = annotation
    return scope["fn"]


@pytest.mark.parametrize("annotation", [*PLAIN, *OTHER])
@pytest.mark.parametrize("default", [..., None, 1, -1.5, "x", True])
def test_same_schema_as_pydantic(annotation: Any, default: Any):
    """ARG-1, ARG-3, ARG-5, ARG-8: to the order of its keys."""
    plan = func_metadata(made(annotation, default)).argument_plan
    assert json.dumps(plan.schema()) == json.dumps(plan.model.model_json_schema(by_alias=True))


@pytest.mark.parametrize("name", ["x", "user_id", "userId", "a1b2", "HTTPServer", "trailing_", "x__y", "copy", "ünï"])
def test_titles(name: str):
    """ARG-3"""
    plan = func_metadata(made(int, ..., name)).argument_plan
    assert json.dumps(plan.schema()) == json.dumps(plan.model.model_json_schema(by_alias=True))


@pytest.mark.filterwarnings("ignore::pydantic.json_schema.PydanticJsonSchemaWarning")
@pytest.mark.parametrize(
    "default", [[], [1], {}, float("nan"), float("inf"), Integer(3), object(), Field(ge=2), Model(x=1)]
)
def test_defaults_that_are_not_plain(default: Any):
    """ARG-5, ARG-6"""
    plan = func_metadata(made(int, default)).argument_plan
    assert json.dumps(plan.schema()) == json.dumps(plan.model.model_json_schema(by_alias=True))


def test_each_caller_gets_a_schema_of_its_own():
    """ARG-1: a program may change the schema of a tool."""
    plan = func_metadata(made(int, ...)).argument_plan
    plan.schema()["properties"]["some_name"]["title"] = "changed"
    assert plan.schema()["properties"]["some_name"]["title"] == "Some Name"
