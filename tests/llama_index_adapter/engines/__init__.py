"""Chat engine, query engine and retriever."""
