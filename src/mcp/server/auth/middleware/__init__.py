"""Authentication of clients and of bearers."""
