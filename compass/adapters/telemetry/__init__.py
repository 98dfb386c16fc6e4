"""Metrics, logs, traces and changes through MCP: `answer` has the types, `client` the one that talks to a server.

`from compass.adapters.telemetry.client import McpTelemetry` imports mcp, which costs about a second of CPU; the
types in `answer` cost nothing.
"""
