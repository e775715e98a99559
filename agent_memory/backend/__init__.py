"""Where sessions live: Redis for open ones, DuckDB for their history. Backends keep bytes and never see a profile."""
