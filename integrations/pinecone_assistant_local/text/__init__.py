"""Words, sentences, passages and tokens of a text."""
