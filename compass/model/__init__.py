"""What things are: entries, matches, repositories, recordings, investigations and proposals. No I/O."""
