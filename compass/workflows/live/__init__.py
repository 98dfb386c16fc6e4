"""A running system investigated: what an alert says, the servers asked as one, the runbook that comes first."""
