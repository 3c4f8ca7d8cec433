"""`serve`: a folder kept in step with a local assistant, and its command line."""
