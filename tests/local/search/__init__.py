"""Search and its quality."""
