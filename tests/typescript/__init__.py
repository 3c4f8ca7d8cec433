"""Pinecone's TypeScript SDK as a client of the local assistant: `make typescript`, not a part of `make test`."""
