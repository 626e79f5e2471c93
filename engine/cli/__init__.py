"""The command line: read the options, call the engine, print. Nothing is computed here."""
