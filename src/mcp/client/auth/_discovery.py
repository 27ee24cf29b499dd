"""Discovery of metadata as state machines: they name the next URL and are fed with what was found there."""

from mcp.client.auth.exceptions import OAuthFlowError
from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata


class ResourceDiscovery:
    """Looks for protected resource metadata (basic/authorization, "Protected Resource Metadata Discovery").

    Args:
        urls: Where to look, best first.

    Attributes:
        found: The metadata, None if there are none.
    """

    def __init__(self, urls: list[str]) -> None:
        self.found: ProtectedResourceMetadata | None = None
        self._urls = urls
        self._trouble: int | None = None

    def next_url(self) -> str | None:
        """Return the next URL, None at the end.

        Raises:
            OAuthFlowError: Nothing was found, and one of the answers was 429 or a server error: the server may well
                have metadata, so it must not be taken for one that has none.
        """
        if self.found is not None:
            return None
        if self._urls:
            return self._urls.pop(0)
        if self._trouble is not None:
            raise OAuthFlowError(f"Protected resource metadata request failed: HTTP {self._trouble}")
        return None

    def feed(self, status_code: int, metadata: ProtectedResourceMetadata | None) -> None:
        """Take the answer from the last URL."""
        self.found = metadata
        if status_code == 429 or status_code >= 500:
            self._trouble = status_code


class ServerDiscovery:
    """Looks for authorization server metadata (basic/authorization, "Authorization Server Metadata Discovery").

    Args:
        urls: Where to look, best first.

    Attributes:
        found: The metadata, None if there are none.
    """

    def __init__(self, urls: list[str]) -> None:
        self.found: OAuthMetadata | None = None
        self._urls = urls

    def next_url(self) -> str | None:
        """Return the next URL, None at the end."""
        return self._urls.pop(0) if self._urls and self.found is None else None

    def feed(self, status_code: int, go_on: bool, metadata: OAuthMetadata | None) -> None:
        """Take the answer from the last URL.

        Raises:
            OAuthFlowError: It was a server error; endpoints guessed instead could belong to someone else.
        """
        if status_code >= 500:
            raise OAuthFlowError(f"Authorization server metadata request failed: HTTP {status_code}")
        self.found = metadata
        if not go_on:
            self._urls.clear()
