"""Index, rank, say how sure: the entry that applies, or an honest "nothing"."""
