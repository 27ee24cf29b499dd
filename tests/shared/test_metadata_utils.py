"""Which name is shown for an object."""

import pytest

from mcp.shared.metadata_utils import get_display_name
from mcp.types import Implementation, Prompt, Resource, ResourceTemplate, Tool, ToolAnnotations


def _tool(title: str | None = None, annotations: ToolAnnotations | None = None) -> Tool:
    return Tool(name="name", title=title, inputSchema={}, annotations=annotations)


@pytest.mark.parametrize(
    ("tool", "shown"),
    [
        pytest.param(_tool("title", ToolAnnotations(title="annotated")), "title", id="title first"),
        pytest.param(_tool(None, ToolAnnotations(title="annotated")), "annotated", id="then annotations.title"),
        pytest.param(_tool(None, ToolAnnotations(readOnlyHint=True)), "name", id="annotations without title"),
        pytest.param(_tool(), "name", id="name last"),
        pytest.param(_tool("", ToolAnnotations(title="annotated")), "", id="an empty title counts"),
        pytest.param(_tool(None, ToolAnnotations(title="")), "", id="an empty annotated title counts"),
    ],
)
def test_tool(tool: Tool, shown: str) -> None:
    """SES-50: title, then annotations.title, then name; present means not None."""
    assert get_display_name(tool) == shown


@pytest.mark.parametrize(("title", "shown"), [("title", "title"), (None, "name"), ("", "")])
def test_others(title: str | None, shown: str) -> None:
    """SES-50: everything else has title, then name."""
    resource = Resource.model_validate({"uri": "file:///x", "name": "name", "title": title})
    template = ResourceTemplate(uriTemplate="file:///{x}", name="name", title=title)
    prompt = Prompt(name="name", title=title)
    implementation = Implementation(name="name", title=title, version="1")
    for described in (resource, template, prompt, implementation):
        assert get_display_name(described) == shown


def test_only_tools_have_titled_annotations() -> None:
    """SES-50: a `title` among the annotations of something else is an unknown member, not a name."""
    resource = Resource.model_validate({"uri": "file:///x", "name": "name", "annotations": {"title": "other"}})
    assert get_display_name(resource) == "name"
