"""Faults that a test can set: the requests that they affect, and their effects."""
