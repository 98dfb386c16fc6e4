"""Telemetry in, a recording's folder out: asked over MCP or read from a folder, bounded in size, renamed if it is to be shared."""
