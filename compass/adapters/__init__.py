"""What touches the outside: files, Git, forges, models and telemetry; plain values in and out."""
