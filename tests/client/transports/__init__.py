"""Transports on real sockets: connections, proxies, TLS, cuts."""
