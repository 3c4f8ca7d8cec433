"""A Pinecone Assistant on your machine."""
