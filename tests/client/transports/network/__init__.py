"""The ways to the service: proxies, SOCKS, TLS, limits of connections."""
