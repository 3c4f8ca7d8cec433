"""Feeding an assistant: files, operations, assistants, evaluation, sync."""
