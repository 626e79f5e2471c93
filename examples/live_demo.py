"""The bot's month against a simulated gateway: it decides, buys, puts every share under a stop, and writes all of it down.

Nothing is needed but this package: no gateway, no account, no waiting. What it cannot show is in docs/live.md::

    python examples/live_demo.py
"""

import tempfile
from pathlib import Path

from live.demo import demo
from live.journal import Journal, state_of

with tempfile.TemporaryDirectory() as folder:
    journal = Path(folder) / "journal.sqlite"

    # First dry: what would it do? Then the same month again, and it sends.
    print("Dry:")
    demo(7, None, print, send=False)
    print("Sending:")
    status = demo(7, journal, print)

    # The journal is what the bot remembers after a crash: every decision and order, written before it is done.
    book = Journal(journal, read_only=True)
    print(f"Exit status {status}; executions in the journal: {len(state_of(book.events()).executions)}.")
    book.close()
