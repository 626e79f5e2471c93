"""The compiled core: arrays in, arrays out, numpy and numba only.

::

    machine      instructions that numba has no name for
    vectors      the same for 64 bars at once
    sides        the same for which of two averages is above
    compare      comparisons of doubles, 64 bars into one word
    exact        averages that depend on nothing but their window
    prefix       the same averages from prefix sums, for many windows at once
    whole        averages of a few windows, of values that are whole numbers of some power of two
    indicators   SMA, true range, ATR                      (T,) -> (T,)
    smoothing    exponential and weighted averages
    momentum     RSI and ADX, which can confirm a cross
    crosses      which average is above, golden and death crosses
    money        prices as paid, ticks, fees, and how much an amount buys
    position     THE trading rules: fills, stops, one position
    sessions     until when a position may be held, if nothing is held overnight
    charges      what one order costs by a schedule of taxes, levies and brokerage
    loop         the plain bar loop over those rules; long/short; tiles of a sweep
    events       the same from event to event: bars on which no rule can do anything are not asked
    returns      what every cell earned on every bar
    shuffle      markets whose days are in another order
    moments      mean, deviations and drawdown of an equity curve
    metrics      equity and trades -> the numbers of the contract

One account that many symbols share, by the same rules of a position::

    purchases    who may buy first, and how much
    desk         what is at hand from day to day, and the books
    portfolio    the plain loop, day by day
    trips        the fast way, from event to event, and a whole grid of accounts

The fast sweep, which skips the bars on which nothing happens, by the same rules::

    codes        averages as small numbers, which tell nearly always which is above
    words        which of two averages is above, for a block of pairs, 64 bars at a time
    bits         the crosses of these pairs
    spells       the same for crosses of any signal, from averages given as they are
    stops        where a trailing stop ends a position, for every bar on which one could begin
    walks        the same for the usual stop, 32 positions side by side
    drawdown     highest, lowest and deepest fall of any run of closes
    eights       the same for eight bars at once, in vectors
    market       prices of fills, and sums of returns, before any trade
    legs         from the crosses of a pair to what its account does
    accounts     32 accounts side by side, taken through their legs
    finish       from the sums of 32 accounts to their metrics
    power        a power of many numbers at once
    plan         the pairs in blocks, and the memory that they take
    fast         all of it, span by span
    symbols      one symbol after the other, in the same memory
    holdings     what every cell earned on every bar, from the same crosses and exits

Whether the best of many backtests means anything::

    cscv         which trial the halves of the days pick, and where it ranks in the other half

A rule is a small scalar function marked ``@rule``; a kernel is a loop over rules marked ``@kernel``. Both are compiled apart for other kernels and for Python, when first
called (``_jit``). Kernels never raise and never repair: the
facade (``engine.backtesting``, ``engine.sweeping``) gives them only prices that the validation let through. Shapes: T bars of one symbol.
"""
