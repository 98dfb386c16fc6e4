"""Alerts received on this machine, each firing one investigated once, in the background."""
