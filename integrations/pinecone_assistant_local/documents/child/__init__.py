"""The sandboxed child process that reads PDF and DOCX files."""
