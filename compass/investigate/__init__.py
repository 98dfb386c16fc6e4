"""The loop of an investigation: observe, rank, hypothesize, try to refute, conclude, draft."""
