"""The command `pinecone-assistant`: feed an assistant, ask it, and check its answers from a shell.

Comes with the extra `cli`. `explain` works without it.
"""
