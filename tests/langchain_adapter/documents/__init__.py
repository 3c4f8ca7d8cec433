"""The index, the retriever and the evaluators."""
