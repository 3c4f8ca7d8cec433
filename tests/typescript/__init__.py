"""Pinecone's TypeScript SDK as a client of the local assistant: `make typescript`; not part of `make test`."""
