"""Files to blocks of text, one reader per file type."""
