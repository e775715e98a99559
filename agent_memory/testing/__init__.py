"""What authors of agents and backends test with."""
