"""What the API does, without HTTP: files are ingested, questions answered, requests recorded."""
