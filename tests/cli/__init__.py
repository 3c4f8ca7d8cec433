"""The command `pinecone-assistant`, as a process of its own against the local assistant."""
