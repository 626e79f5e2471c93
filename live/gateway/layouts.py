"""The names of the fields of each message that the bot and the gateway exchange, in server versions 157 to 178.

A layout is a line of names, written as the official clients write them, with three signs:

- ``name@166-`` and ``name@-176``: only from this version on, only up to it.
- ``[a b c]``: these, as often as the field before says.
- ``<a b c>``: these, if the field named ``deltaNeutralOrderType`` is not empty (the gateway says "None" there).

A message that does not fit its layout to the last field has no names: that is how orders with legs, scales, hedges, algorithms or conditions are left out.
"""

from __future__ import annotations

from typing import Literal

from live.gateway.wire import WireError

__all__ = ["LAYOUTS", "NEWEST", "OLDEST", "Sender", "names_of"]

Sender = Literal["client", "gateway"]
OLDEST, NEWEST = 157, 178
_MOST = 100_000  # groups in one message; more is no message of ours

_SHORT = "conId symbol secType lastTradeDate strike right multiplier exchange currency localSymbol tradingClass"
_LONG = "conId symbol secType lastTradeDate strike right multiplier exchange primaryExchange currency localSymbol tradingClass"
_TERMS = "action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef"
_DETAILS = (
    "kind version@-163 requestId symbol secType lastTradeDate strike right exchange currency localSymbol marketName tradingClass conId minTick"
    " sizeMultiplier@-163 multiplier orderTypes validExchanges priceMagnifier underConId longName primaryExchange contractMonth industry category"
    " subcategory timeZoneId tradingHours liquidHours evRule evMultiplier secIdCount [secIdType secId] aggGroup underSymbol underSecType marketRuleIds"
    " realExpirationDate stockType suggestedSizeIncrement@163-163 minSize@164- sizeIncrement@164- suggestedSizeIncrement@164-"
)
_OPEN_ORDER = (
    f"kind orderId {_SHORT} {_TERMS} clientId permId outsideRth hidden discretionaryAmt goodAfterTime sharesAllocation faGroup faMethod faPercentage"
    " faProfile@-176 modelCode goodTillDate rule80A percentOffset settlingFirm shortSaleSlot designatedLocation exemptCode auctionStrategy startingPrice"
    " stockRefPrice delta stockRangeLower stockRangeUpper displaySize blockOrder sweepToFill allOrNone minQty ocaType eTradeOnly firmQuoteOnly"
    " nbboPriceCap parentId triggerMethod volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice <deltaNeutralConId"
    " deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent deltaNeutralOpenClose deltaNeutralShortSale"
    " deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation> continuousUpdate referencePriceType trailStopPrice trailingPercent basisPoints"
    " basisPointsType comboLegsDescrip legCount orderLegCount routingParameterCount scaleInitLevelSize scaleSubsLevelSize scalePriceIncrement hedgeType"
    " optOutSmartRouting clearingAccount clearingIntent notHeld deltaNeutralContract algoStrategy solicited whatIf status initMarginBefore"
    " maintMarginBefore equityWithLoanBefore initMarginChange maintMarginChange equityWithLoanChange initMarginAfter maintMarginAfter"
    " equityWithLoanAfter orderCommission minCommission maxCommission commissionCurrency text randomizeSize randomizePrice conditionCount"
    " adjustedOrderType triggerPrice trailStopPrice lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount"
    " adjustableTrailingUnit softDollarName softDollarValue softDollarDisplayName cashQty dontUseAutoPriceForHedge isOmsContainer"
    " discretionaryUpToLimitPrice usePriceMgmtAlgo duration@159- postToAts@160- autoCancelParent@162- minTradeQty@170- minCompeteSize@170-"
    " competeAgainstBestOffset@170- midOffsetAtWhole@170- midOffsetAtHalf@170-"
)
_COMPLETED_ORDER = (
    f"kind {_SHORT} {_TERMS} permId outsideRth hidden discretionaryAmt goodAfterTime faGroup faMethod faPercentage faProfile@-176 modelCode goodTillDate"
    " rule80A percentOffset settlingFirm shortSaleSlot designatedLocation exemptCode startingPrice stockRefPrice delta stockRangeLower stockRangeUpper"
    " displaySize sweepToFill allOrNone minQty ocaType triggerMethod volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice"
    " <deltaNeutralConId deltaNeutralShortSale deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation> continuousUpdate referencePriceType"
    " trailStopPrice trailingPercent comboLegsDescrip legCount orderLegCount routingParameterCount scaleInitLevelSize scaleSubsLevelSize"
    " scalePriceIncrement hedgeType clearingAccount clearingIntent notHeld deltaNeutralContract algoStrategy solicited status randomizeSize"
    " randomizePrice conditionCount trailStopPrice lmtPriceOffset cashQty dontUseAutoPriceForHedge isOmsContainer autoCancelDate filledQuantity"
    " refFuturesConId autoCancelParent shareholder imbalanceOnly routeMarketableToBbo parentPermId completedTime completedStatus minTradeQty@170-"
    " minCompeteSize@170- competeAgainstBestOffset@170- midOffsetAtWhole@170- midOffsetAtHalf@170-"
)
_PLACE_ORDER = (
    f"kind orderId {_LONG} secIdType secId {_TERMS} transmit parentId blockOrder sweepToFill displaySize triggerMethod outsideRth hidden"
    " sharesAllocation discretionaryAmt goodAfterTime goodTillDate faGroup faMethod faPercentage faProfile@-176 modelCode shortSaleSlot"
    " designatedLocation exemptCode ocaType rule80A settlingFirm allOrNone minQty percentOffset eTradeOnly firmQuoteOnly nbboPriceCap"
    " auctionStrategy startingPrice stockRefPrice delta stockRangeLower stockRangeUpper overridePercentageConstraints volatility volatilityType"
    " deltaNeutralOrderType deltaNeutralAuxPrice <deltaNeutralConId deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent"
    " deltaNeutralOpenClose deltaNeutralShortSale deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation> continuousUpdate referencePriceType"
    " trailStopPrice trailingPercent scaleInitLevelSize scaleSubsLevelSize scalePriceIncrement scaleTable activeStartTime activeStopTime hedgeType"
    " optOutSmartRouting clearingAccount clearingIntent notHeld deltaNeutralContract algoStrategy algoId whatIf orderMiscOptions solicited"
    " randomizeSize randomizePrice conditionCount adjustedOrderType triggerPrice lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice"
    " adjustedTrailingAmount adjustableTrailingUnit extOperator softDollarName softDollarValue cashQty mifid2DecisionMaker mifid2DecisionAlgo"
    " mifid2ExecutionTrader mifid2ExecutionAlgo dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo duration@158-"
    " postToAts@160- autoCancelParent@162- advancedErrorOverride@166- manualOrderTime@169-"
)

LAYOUTS: dict[Sender, dict[str, str]] = {
    "gateway": {
        "3": "kind orderId status filled remaining averagePrice permId parentId lastPrice clientId text capPrice",
        "4": "kind version anyId code text advancedReject@166-",
        "5": _OPEN_ORDER,
        "6": "kind version tag value valueCurrency account",
        "7": f"kind version {_SHORT.replace('exchange', 'primaryExchange')} heldShares marketPrice money money money money account",
        "8": "kind version timeOfDay",
        "9": "kind version nextId",
        "10": _DETAILS,
        "11": f"kind requestId orderId {_SHORT} execId time account exchange side shares price permId clientId liquidation cumulatedShares averagePrice"
        " orderRef evRule evMultiplier modelCode lastLiquidity pendingPriceRevision@178-",
        "15": "kind version accounts",
        "17": "kind requestId time time barCount [time price price price price volume price tradeCount]",
        "49": "kind version seconds",
        "52": "kind version requestId",
        "53": "kind version",
        "54": "kind version account",
        "55": "kind version requestId",
        "59": "kind version execId commission valueCurrency money yield yieldRedemptionDate",
        "61": f"kind version account {_SHORT} heldShares money",
        "62": "kind version",
        "63": "kind version requestId account tag value valueCurrency",
        "64": "kind version requestId",
        "71": f"kind version requestId account {_SHORT} heldShares money modelCode",
        "72": "kind version requestId",
        "73": "kind version requestId account modelCode tag value valueCurrency",
        "74": "kind version requestId",
        "93": "kind ruleId stepCount [price price]",
        "94": "kind requestId money money money",
        "95": "kind requestId heldShares money money money money",
        "102": "kind",
        "101": _COMPLETED_ORDER,
    },
    "client": {
        "3": _PLACE_ORDER,
        "4": "kind version orderId manualOrderTime@169-",
        "5": "kind version",
        "6": "kind version flag account",
        "7": "kind version requestId clientId account time symbol secType exchange side",
        "8": "kind version flag",
        "9": f"kind version requestId {_LONG} flag secIdType secId issuerId@176-",
        "14": "kind version flag",
        "15": "kind version flag",
        "16": "kind version",
        "17": "kind version",
        "20": f"kind requestId {_LONG} flag time barSize duration flag whatToShow flag flag chartOptions",
        "25": "kind version requestId",
        "49": "kind version",
        "58": "kind version",
        "61": "kind version",
        "62": "kind version requestId account tags",
        "63": "kind version requestId",
        "64": "kind version",
        "71": "kind version clientId optionalCapabilities",
        "74": "kind version requestId account modelCode",
        "75": "kind version requestId",
        "76": "kind version requestId account modelCode flag",
        "77": "kind version requestId",
        "91": "kind ruleId",
        "92": "kind requestId account modelCode",
        "93": "kind requestId",
        "94": "kind requestId account modelCode conId",
        "95": "kind requestId",
        "99": "kind flag",
    },
}
"""By who sends a message, and its number."""


def names_of(sender: Sender, fields: tuple[str, ...], version: int) -> tuple[str, ...]:
    """Name every field of a message; empty ones left over at its end are named "nothing".

    Raises
    ------
    WireError
        If the message is none of ``LAYOUTS``, or does not fit its layout.
    """
    layout = LAYOUTS[sender].get(fields[0])
    if layout is None or not OLDEST <= version <= NEWEST:
        raise WireError(f"a message {fields[0][:10]!r} of version {version} has no layout")
    names: list[str] = []
    words = iter(layout.split())
    for word in words:
        if word[0] in "[<":
            group = [word]
            while group[-1][-1] not in "]>":
                group.append(next(words))
            inner = [name.strip("[]<>") for name in group]
            names += inner * (_count(names, fields) if word[0] == "[" else _given(names, fields))
        elif _present(word, version):
            names.append(word.partition("@")[0])
    rest = fields[len(names) :]
    if len(names) > len(fields) or any(rest):
        raise WireError(f"a message {fields[0]} of {len(fields)} fields does not fit its layout of {len(names)}")
    return (*names, *["nothing"] * len(rest))


def _present(word: str, version: int) -> bool:
    """Tell whether a version has the field."""
    low, _, high = word.partition("@")[2].partition("-")
    return int(low or OLDEST) <= version <= int(high or NEWEST)


def _count(names: list[str], fields: tuple[str, ...]) -> int:
    """Read how often a group comes."""
    text = fields[len(names) - 1] if len(names) <= len(fields) else ""
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text) <= _MOST):
        raise WireError(f"a message {fields[0]} has {text[:10]!r} where a count has to be")
    return int(text)


def _given(names: list[str], fields: tuple[str, ...]) -> int:
    """Tell whether the fields of a delta-neutral order follow."""
    place = names.index("deltaNeutralOrderType")
    return int(place < len(fields) and fields[place] != "")
