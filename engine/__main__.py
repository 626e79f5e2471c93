"""The engine's part of the command ``goldencross``; see ``engine.cli`` and ``live.command``."""

from engine.cli.app import main

if __name__ == "__main__":
    main()
