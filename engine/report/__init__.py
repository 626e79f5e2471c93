"""Results as plain sentences: the answer first, one fact a line, units spoken, ASCII only."""
