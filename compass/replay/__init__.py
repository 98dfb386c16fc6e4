"""A recorded incident as if it were live: read, queried in PromQL, LogQL and TraceQL, served over MCP, matched."""
