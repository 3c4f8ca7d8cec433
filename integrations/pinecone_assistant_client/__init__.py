"""A Pinecone Assistant over HTTP."""
