"""What must hold at any moment and after every run, read in the gateway's book.

``exposure`` is what could be sold beyond what is held: shares on sale less shares held. A sale that is executed leaves it as it is, so one number says both that no
more is on sale than is held, and that nothing is sold short. What others do to the account (a sale by hand, a fill that is busted) can raise it; the bot never may.
"""

from collections import Counter

from live.facts import name_of_execution
from tests.live_world import NUMBERS, World

SYMBOLS = {number: symbol for symbol, number in NUMBERS.items()}
OURS = 7
"""The bot's client id; orders under another one it can neither change nor cancel."""
FAIR = {3, 4, "killed"}
"""Ends of a run after which somebody looks, or the next run mends."""


class Watch:
    """Looks at the book whenever something has happened in it.

    Parameters
    ----------
    world : World
    """

    def __init__(self, world: World):
        self.world, self.book, self.found = world, world.gateway.book, []
        self.allowed = dict.fromkeys(self.book.listings, 0)
        self.blind, self.touched = False, 0  # the latter: where in the log others did something last
        self.sending = True  # whether the run that is under way may send
        board = world.gateway._board
        tell, carry_out = board._tell, board._carry_out

        def told(*arguments, **named):
            tell(*arguments, **named)
            self.look()

        def carried_out(connection, request, verb, number):
            ours = connection.client is not None and request.kind in {"placeOrder", "cancelOrder"}
            if ours and not self.sending:
                self.note(f"a dry run sent {request.kind}")
            if ours and request.kind == "placeOrder" and "BUY" in request.fields and world.config.paths.halt.exists():
                self.note("bought while halted")
            carry_out(connection, request, verb, number)

        board._tell, board._carry_out = told, carried_out

    def note(self, text):
        """Note what must not be, once."""
        if text not in self.found:
            self.found.append(text)

    def exposure(self, number, *, capped):
        """Shares that could be sold less shares held; ``capped``: a child sells no more than its parent was filled."""
        on_sale = 0
        for order in self.book.working():
            if order.ticket.sells and order.active and order.ticket.con_id == number:
                parent = self.book.parent(order)
                room = order.remaining
                if parent is not None and not parent.ticket.sells and (capped or not parent.done):
                    room = min(room, parent.filled - order.filled)
                on_sale += room
        return on_sale - self.world.account.shares(number)

    def look(self):
        for number in () if self.blind else self.allowed:
            exposure = self.exposure(number, capped=True)
            if exposure > self.allowed[number]:
                self.note(f"{SYMBOLS[number]}: {exposure} shares more can be sold than are held")
            self.allowed[number] = max(0, min(self.allowed[number], exposure))

    def outside(self, deed):
        """Do what others do to the account: what it exposes is not the bot's fault."""
        self.blind, self.touched = True, len(self.world.gateway.log)
        deed()
        self.blind = False
        self.allowed = {number: max(0, self.exposure(number, capped=True)) for number in self.allowed}

    def after_run(self, status, *, can_write=True):
        """Judge a run by how things stand at the broker."""
        asked = [i for i, entry in enumerate(self.world.gateway.log) if entry.kind == "reqPositions"]
        if asked and asked[-1] < self.touched:
            return  # others have done something after the bot's last question
        for symbol in (listing.symbol for listing in self.world.gateway.market.listings):
            held, stopped = self.world.held(symbol), self.world.stopped(symbol)
            exposure = self.exposure(NUMBERS[symbol], capped=False)
            if status in (0, 1) and (held > stopped or exposure > 0):
                self.note(f"{symbol}: status {status}, {held} held, {stopped} stopped, exposure {exposure}")
        if status == 3 and can_write and not self.world.alarms():
            self.note("status 3 without an alarm")

    def after_rest(self, statuses):
        """Judge a day without disturbances: what can be mended is mended."""
        orders = [order for order in self.book.working() if order.ticket.sells and order.ticket.client_id != OURS]
        shorts = [position for position in self.world.account.positions.values() if position.shares < 0]
        if not orders and not shorts and set(statuses) - {0, 1}:
            self.note(f"a quiet day ended with {statuses}")

    def at_the_end(self):
        """Judge the whole; the last run was not disturbed."""
        names = Counter(entry.fields[26] for entry in self.world.gateway.placed() if "BUY" in entry.fields[:20])
        self.found += [f"{name} was sent {times} times" for name, times in names.items() if times > 1]
        truth = {}
        for one in self.book.executions:
            truth[name_of_execution(one.exec_id)] = (one.exec_id, one.shares, one.price, one.commission)
        state = self.world.state()
        written = {
            name: (data["execution_id"], data["quantity"], data["price"], data["commission"])
            for name, data in state.executions.items()
        }
        if written != truth:
            self.note(f"the journal has {written}, the broker {truth}")
