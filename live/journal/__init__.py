"""The bot's memory: written before anything is done, never changed afterwards.

::

    store      one SQLite file, events that only grow, chained by hashes; a lock for one bot at a time
    recording  what the bot does and what the broker says, as events
    state      what is known, from the events alone
    words      the same in plain sentences
"""

from live.journal.recording import JournalRecorder
from live.journal.state import State, state_of
from live.journal.store import Event, Journal, JournalError, single_instance
from live.journal.words import journal_lines, status_lines

__all__ = [
    "Event",
    "Journal",
    "JournalError",
    "JournalRecorder",
    "State",
    "journal_lines",
    "single_instance",
    "state_of",
    "status_lines",
]
