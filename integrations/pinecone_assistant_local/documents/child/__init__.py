"""What runs in the sandboxed child process that reads PDF and DOCX files."""
