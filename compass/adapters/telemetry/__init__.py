"""Metrics, logs, traces and changes: `answer` has the interface, `queries` works it through tools, `client` over MCP.

`from compass.adapters.telemetry.client import McpTelemetry` imports mcp, which costs about a second of CPU; the
types in `answer` cost nothing.
"""
