"""Validation of unions of models by the member `type`."""

from typing import Any, cast, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class Tagged:
    """Annotation of a union of models: the one that `type` names is tried first, instead of each in turn.

    What this does not fit (an instance that says another `type` than its class) goes to the plain union, which is
    also what JSON Schema describes.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        members: tuple[type[BaseModel], ...] = get_args(source)
        tagged = core_schema.tagged_union_schema(
            {
                get_args(member.model_fields["type"].annotation)[0]: handler.generate_schema(member)
                for member in members
            },
            discriminator="type",
        )
        return core_schema.union_schema([tagged, handler(source)], mode="left_to_right")

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        _tagged, plain = cast("core_schema.UnionSchema", schema)["choices"]
        return handler(cast("CoreSchema", plain))
