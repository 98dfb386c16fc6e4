"""The MCP servers that a repository's catalog names: agreed to by the user, made ready to be asked, and examined."""
