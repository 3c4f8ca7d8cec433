"""Servers, bodies and clients that the client's tests share."""
