"""One check per class: what `compass check` says about an entry beyond its shape."""
