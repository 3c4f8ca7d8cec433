"""Comparisons with other clients; the README and the docs cite the results."""
