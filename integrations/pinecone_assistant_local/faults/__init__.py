"""Faults that a test can order: which request they meet, and what they do to it."""
