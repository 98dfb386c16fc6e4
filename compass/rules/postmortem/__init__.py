"""What `compass check` says about post-mortems: structure, causes, language, actions and learning (PM001 to PM044)."""
