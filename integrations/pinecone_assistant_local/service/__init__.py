"""The work behind the API, without HTTP: files are ingested, questions answered, requests recorded."""
