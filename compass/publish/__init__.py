"""A library cut to one audience in, pages and a search bundle out; the only code that knows MkDocs."""
