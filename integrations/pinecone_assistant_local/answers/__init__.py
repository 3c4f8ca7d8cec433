"""Answers: extracted, generated or scripted, and how they are rendered on each interface."""
