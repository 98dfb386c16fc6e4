"""One function for each command that joins rooms."""
