"""Moving knowledge between levels: contribute, promote, review and sync; the only code that does."""
