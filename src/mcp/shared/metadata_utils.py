"""Which human-readable name to show for an object.

Source: specification 2025-11-25, page "Schema Reference", sections "BaseMetadata" and "ToolAnnotations".
"""

from mcp.types import Implementation, Prompt, Resource, ResourceTemplate, Tool


def get_display_name(obj: Tool | Resource | Prompt | ResourceTemplate | Implementation) -> str:
    """The name of `obj` to show to a person.

    That is `title`, else (tools only) `annotations.title`, else `name`. Only None counts as absent: an empty title is
    the author's choice.

    Args:
        obj: What a server listed, or the description of an implementation.
    """
    if obj.title is not None:
        return obj.title
    if isinstance(obj, Tool) and obj.annotations is not None and obj.annotations.title is not None:
        return obj.annotations.title
    return obj.name
