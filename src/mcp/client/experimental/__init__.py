"""The client's task features (experimental)."""

from mcp.client.experimental.tasks import ExperimentalClientFeatures

__all__ = ["ExperimentalClientFeatures"]
