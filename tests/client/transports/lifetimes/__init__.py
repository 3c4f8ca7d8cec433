"""Connections over time: opened, shared, cancelled, closed, and left to event loops that end."""
