"""The store: assistants, files, passages and operations in SQLite. SQL lives here only."""
