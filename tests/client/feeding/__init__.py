"""Files, operations, assistants, evaluation and sync."""
