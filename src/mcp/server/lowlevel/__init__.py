"""The low-level server: handlers by method, everything under the program's control."""

from mcp.server.lowlevel.server import NotificationOptions, Server

__all__ = ["NotificationOptions", "Server"]
