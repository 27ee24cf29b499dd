"""Machinery that clients and servers share."""
