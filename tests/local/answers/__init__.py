"""Answers of the local assistant."""
