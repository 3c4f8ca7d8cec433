"""Bytes and values, without sockets."""
