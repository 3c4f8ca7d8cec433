"""Bytes to values and values to bytes. Pure: no network, clock or environment."""
