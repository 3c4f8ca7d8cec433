"""Error messages of the client in the words of the command: its options and subcommands instead of Python's arguments."""

from __future__ import annotations

import re

# Whole phrases, so that a name or a text of the service that a message quotes stays as it is.
_PHRASES = (
    (r"and max_delete is (\d+): nothing", r"and --max-delete is \1: nothing"),
    (r"Look with dry_run=True, then raise max_delete if", r"Look with --dry-run, then raise --max-delete if"),
    (r"Look with dry_run=True, and pass max_delete=(\d+) if", r"Look with --dry-run, and pass --max-delete \1 if"),
    (r"Check the folder, patterns= and exclude=", r"Check the folder, --pattern and --exclude"),
    (r"^owner is (['\"])", r"--owner is \1"),
    (r"is a folder: pass a file, or use client\.files\.sync\(.*?\)", r"is a folder: pass a file, or use `sync`"),
    (r"is not a folder: for one file use client\.files\.upload", r"is not a folder: for one file use `files upload`"),
    (r"read it and use client\.files\.upload", r"download it and use `files upload`"),
    (r"is not a regular file: open it and pass the stream with name=", r"is not a regular file: copy it into one"),
    (r"look with client\.files\.get\('([^']*)'\)", r"look with `files show \1`"),
    (r"look with assistants\.get\('([^']*)'\)", r"look with `assistants show \1`"),
    (r"Uploading it again with file_id='([^']*)' makes", r"Uploading it again with `--id \1` makes"),
    (r"^file_id (['\"])", r"the id \1"),
    (r"check PINECONE_API_KEY or api_key=", r"check PINECONE_API_KEY"),
    (r"copy it again \(api_key= or PINECONE_API_KEY\)", r"copy it again into PINECONE_API_KEY"),
    (r"because the key is only for (\S+): set host=", r"because the key is only for \1: set PINECONE_ASSISTANT_HOST"),
    (r"wait until it is Ready, or pass host=", r"wait until it is Ready, or set PINECONE_ASSISTANT_HOST"),
    (r"so the key was not sent there: pass host= if", r"so the key was not sent there: set PINECONE_ASSISTANT_HOST if"),
    (r"wait, send fewer at once, or raise max_retries", r"wait, or send fewer at once"),
    (r"check the host and the network, or raise timeout=", r"check the host and the network"),
    (r"(?:raise timeout=|ask again), or set retry_on_timeout=True if a second bill", r"ask again if a second bill"),
    (r"sent nothing for (\S+) s: raise timeout=", r"sent nothing for \1 s: try again later"),
    (r"of your own pass verify= the path of its bundle", r"of your own set SSL_CERT_FILE to the path of its bundle"),
    (r"lower max_connections=, close", r"lower --concurrency, close"),
    (
        r"pass an HTTP proxy with proxies=, use the sync client, or pass an async_http_session= .* SOCKS",
        r"use an HTTP proxy",
    ),
    (r"^messages\[\d+\]\.content \(user\) is empty: a question needs text", r"the question is empty"),
    (r"^messages\[\d+\]\.content has", r"the question has"),
    (r'pass a name such as "gpt-4o", or None for the default', r'pass a name such as "gpt-4o", or leave it out'),
)
_PATTERNS = tuple((re.compile(pattern), words) for pattern, words in _PHRASES)


def to_words(error: object) -> str:
    """Return the message of an error of the client as a user of the command can act on it."""
    text = str(error)
    for pattern, words in _PATTERNS:
        text = pattern.sub(words, text, count=1)
    return text
