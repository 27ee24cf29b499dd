"""Registry of resources and templates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import AnyUrl

from mcp.server.fastmcp.context import Context
from mcp.server.fastmcp.exceptions import UnknownResourceError
from mcp.server.fastmcp.resources.base import Resource
from mcp.server.fastmcp.resources.templates import ResourceTemplate
from mcp.server.fastmcp.utilities.logging import get_logger
from mcp.server.session import ServerSessionT
from mcp.shared.context import LifespanContextT, RequestT
from mcp.types import Annotations, Icon

logger = get_logger(__name__)


class ResourceManager:
    """The resources and templates of a server, in order of registration.

    Args:
        warn_on_duplicate_resources: Log a warning when a URI is registered again.
    """

    def __init__(self, warn_on_duplicate_resources: bool = True) -> None:
        self._resources: dict[str, Resource] = {}
        self._templates: dict[str, ResourceTemplate] = {}
        self.warn_on_duplicate_resources = warn_on_duplicate_resources

    def add_resource(self, resource: Resource) -> Resource:
        """Register a resource; if its URI is taken, the resource that has it stays.

        Returns:
            The resource of that URI.
        """
        uri = str(resource.uri)
        existing = self._resources.get(uri)
        if existing is None:
            self._resources[uri] = resource
            return resource
        self._warn(uri)
        return existing

    def add_template(
        self,
        fn: Callable[..., Any],
        uri_template: str,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        mime_type: str | None = None,
        icons: list[Icon] | None = None,
        annotations: Annotations | None = None,
        meta: dict[str, Any] | None = None,
        run_in_thread: bool | None = None,
    ) -> ResourceTemplate:
        """Register a function as a template, in the place of any that has the same URI.

        The arguments and exceptions are those of `ResourceTemplate.from_function`.
        """
        template = ResourceTemplate.from_function(
            fn,
            uri_template=uri_template,
            name=name,
            title=title,
            description=description,
            mime_type=mime_type,
            icons=icons,
            annotations=annotations,
            meta=meta,
            run_in_thread=run_in_thread,
        )
        if uri_template in self._templates:
            self._warn(uri_template)
        self._templates[uri_template] = template
        return template

    async def get_resource(
        self,
        uri: AnyUrl | str,
        context: Context[ServerSessionT, LifespanContextT, RequestT] | None = None,
    ) -> Resource | None:
        """The resource at a URI; that of the first template that matches if none was registered there.

        Args:
            uri: The URI.
            context: For a template's function.

        Raises:
            UnknownResourceError: There is none; a ValueError.
            ValueError: The template's function failed.
        """
        text = str(uri)
        resource = self._resources.get(text)
        if resource is not None:
            return resource
        for template in self._templates.values():
            params = template.matches(text)
            if params is not None:
                return await template.create_resource(text, params, context=context)
        raise UnknownResourceError(text)

    def list_resources(self) -> list[Resource]:
        """All resources, without templates."""
        return list(self._resources.values())

    def list_templates(self) -> list[ResourceTemplate]:
        """All templates."""
        return list(self._templates.values())

    def _warn(self, uri: str) -> None:
        if self.warn_on_duplicate_resources:
            logger.warning("Resource already exists: %s", uri)
