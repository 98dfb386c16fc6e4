"""Language models: `Ollama`, `OpenAICompatible` and the deterministic `Scripted` behind one `LLM`."""
