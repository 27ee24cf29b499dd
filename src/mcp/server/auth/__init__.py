"""OAuth on the server: authorization server endpoints, and bearer protection of resource servers."""
