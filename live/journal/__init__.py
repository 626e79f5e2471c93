"""The bot's memory: written before anything is done, never changed afterwards.

::

    store      one SQLite file of events that only grow
    chain      what an event is, and how the hashes hold them together
    opening    the file itself: whose it is, and room on the disk for it
    head       how far it goes, in a second file, so that a missing end is noticed
    locking    files for their owner only; a lock for one bot at a time
    faults     what goes wrong with them, in one line
    recording  what the bot does and what the broker says, as events
    state      what is known, from the events alone
    trades     purchases and the sales that they were sold by
    profit     what they came to
    words      the same in plain sentences
    standing   how things stand
    exporting  rows for other programs
"""

from live.errors import JournalError
from live.journal.locking import only_bot_of, single_instance
from live.journal.recording import JournalRecorder
from live.journal.state import State, state_of
from live.journal.store import Event, Journal
from live.journal.words import journal_lines, status_lines

__all__ = [
    "Event",
    "Journal",
    "JournalError",
    "JournalRecorder",
    "State",
    "journal_lines",
    "only_bot_of",
    "single_instance",
    "state_of",
    "status_lines",
]
