"""What backtests and sweeps give back: pandas at the edge, arrays inside, Parquet on disk."""
