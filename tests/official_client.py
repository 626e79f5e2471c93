"""Run by test_gateway_official.py with one of the official clients on its path: asks everything, and prints what it read as JSON."""

import json
import sys
import threading

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.wrapper import EWrapper

ISIN, ACCOUNT = "INE002A01018", "DU1234567"
ORDER_FIELDS = (
    "orderId clientId permId action totalQuantity orderType lmtPrice auxPrice tif account orderRef parentId"
    " trailStopPrice transmit"
).split()


def shown(thing, names):
    return {name: str(getattr(thing, name)) for name in names}


class Client(EWrapper, EClient):
    def __init__(self):
        EClient.__init__(self, self)
        self.read = {}
        self.events = {}

    def keep(self, name, value):
        self.read.setdefault(name, []).append(value)
        self.event(name).set()

    def event(self, name):
        return self.events.setdefault(name, threading.Event())

    def wait(self, name):
        if not self.event(name).wait(10):
            print(json.dumps(self.read), file=sys.stderr)
            raise TimeoutError(name)
        self.event(name).clear()

    def error(self, number, *rest):
        code = [one for one in rest if isinstance(one, int)][-1]  # newer clients have a time before it
        self.keep("error", [number, code, str(rest)])

    def nextValidId(self, number):
        self.keep("nextValidId", number)

    def managedAccounts(self, names):
        self.keep("managedAccounts", names)

    def contractDetails(self, _, details):
        names = "minTick longName timeZoneId marketRuleIds validExchanges liquidHours".split()
        row = shown(details, names) | shown(details.contract, "conId symbol exchange currency".split())
        row["ids"] = [[one.tag, one.value] for one in details.secIdList]
        row["sizes"] = [str(getattr(details, name, "")) for name in ("minSize", "sizeIncrement")]
        self.keep("contractDetails", row)

    def contractDetailsEnd(self, number):
        self.keep("contractDetailsEnd", number)

    def historicalData(self, _, bar):
        self.keep("bars", [bar.date, bar.open, bar.high, bar.low, bar.close, str(bar.volume), bar.barCount])

    def historicalDataEnd(self, *rest):
        self.keep("historicalDataEnd", rest[0])

    def marketRule(self, number, steps):
        self.keep("marketRule", [number, [[one.lowEdge, one.increment] for one in steps]])

    def accountSummary(self, _, account, tag, value, currency):
        self.keep("accountSummary", [account, tag, value, currency])

    def accountSummaryEnd(self, number):
        self.keep("accountSummaryEnd", number)

    def updateAccountValue(self, tag, value, currency, account):
        self.keep("updateAccountValue", [account, tag, value, currency])

    def updatePortfolio(self, contract, quantity, price, value, cost, unrealized, realized, account):
        self.keep("updatePortfolio", [account, contract.conId, str(quantity), price, value, cost, unrealized, realized])

    def accountDownloadEnd(self, account):
        self.keep("accountDownloadEnd", account)

    def accountUpdateMulti(self, _, account, __, tag, value, currency):
        self.keep("accountUpdateMulti", [account, tag, value, currency])

    def accountUpdateMultiEnd(self, number):
        self.keep("accountUpdateMultiEnd", number)

    def position(self, account, contract, quantity, cost):
        self.keep("position", [account, contract.conId, str(quantity), cost])

    def positionEnd(self):
        self.keep("positionEnd", 0)

    def currentTime(self, seconds):
        self.keep("currentTime", seconds)

    def openOrder(self, number, contract, order, state):
        names = ORDER_FIELDS
        self.keep("openOrder", shown(order, names) | {"conId": contract.conId, "id": number, "status": state.status})

    def openOrderEnd(self):
        self.keep("openOrderEnd", 0)

    def orderStatus(self, number, status, filled, remaining, average, perm, parent, last, client, why, cap):
        row = [number, status, str(filled), str(remaining), average, perm, parent, last, client, why, cap]
        self.keep("orderStatus", row)
        self.event(f"{number} {status}").set()

    def completedOrder(self, contract, order, state):
        names = "action totalQuantity orderType lmtPrice auxPrice orderRef filledQuantity trailStopPrice".split()
        row = shown(order, names) | {"conId": contract.conId, "status": state.status}
        self.keep("completedOrder", row | shown(state, ("completedTime", "completedStatus")))

    def completedOrdersEnd(self):
        self.keep("completedOrdersEnd", 0)

    def execDetails(self, number, contract, execution):
        names = "execId acctNumber side shares price permId clientId orderId cumQty avgPrice orderRef time".split()
        self.keep("execDetails", shown(execution, names) | {"conId": contract.conId, "request": number})

    def execDetailsEnd(self, number):
        self.keep("execDetailsEnd", number)

    def commissionReport(self, report):
        self.keep("commission", [report.execId, report.commission, report.currency])

    def commissionAndFeesReport(self, report):
        self.keep("commission", [report.execId, report.commissionAndFees, report.currency])


def listed(exchange="NSE"):
    contract = Contract()
    contract.secType, contract.exchange, contract.currency = "STK", exchange, "INR"
    contract.secIdType, contract.secId = "ISIN", ISIN
    return contract


def ticket(**fields):
    order = Order()
    for name, value in fields.items():
        setattr(order, name, value)
    order.account = ACCOUNT
    if hasattr(order, "eTradeOnly"):
        order.eTradeOnly = order.firmQuoteOnly = False
    return order


def ask_about_the_market(client, contract):
    client.reqContractDetails(101, contract)
    client.wait("contractDetailsEnd")
    contract.conId = int(client.read["contractDetails"][0]["conId"])
    contract.secIdType = contract.secId = ""
    client.reqHistoricalData(102, contract, "", "10 D", "1 day", "TRADES", 1, 1, False, [])
    client.wait("historicalDataEnd")
    client.reqMarketRule(int(client.read["contractDetails"][0]["marketRuleIds"].split(",")[0]))
    client.wait("marketRule")
    client.reqCurrentTime()
    client.wait("currentTime")


def ask_about_the_account(client):
    client.reqAccountSummary(103, "All", "AvailableFunds,NetLiquidation,$LEDGER")
    client.wait("accountSummaryEnd")
    client.reqAccountUpdates(True, ACCOUNT)
    client.wait("accountDownloadEnd")
    client.reqAccountUpdatesMulti(104, ACCOUNT, "", False)
    client.wait("accountUpdateMultiEnd")
    client.reqPositions()
    client.wait("positionEnd")


def trade(client, contract, limit):
    first = client.read["nextValidId"][0]
    near = {"totalQuantity": 10, "tif": "DAY"}
    client.placeOrder(first, contract, ticket(action="BUY", orderType="MKT", orderRef="by market", **near))
    client.wait(f"{first} Filled")
    parent = ticket(action="BUY", orderType="LMT", lmtPrice=limit, transmit=False, orderRef="parent", **near)
    client.placeOrder(first + 1, contract, parent)
    child = ticket(
        action="SELL", orderType="TRAIL", auxPrice=12.5, trailStopPrice=limit - 12.5, parentId=first + 1,
        tif="GTC", orderRef="child", totalQuantity=10,
    )  # fmt: skip
    client.placeOrder(first + 2, contract, child)
    client.wait(f"{first + 2} PreSubmitted")
    client.read.pop("openOrder")
    client.reqOpenOrders()
    client.wait("openOrderEnd")
    client.reqAllOpenOrders()
    client.wait("openOrderEnd")
    client.reqExecutions(105, ExecutionFilter())
    client.wait("execDetailsEnd")
    if client.serverVersion() > 169:
        from ibapi.order_cancel import OrderCancel

        client.cancelOrder(first + 1, OrderCancel())
    else:
        client.cancelOrder(first + 1)
    client.wait(f"{first + 2} Cancelled")
    client.reqCompletedOrders(False)
    client.wait("completedOrdersEnd")


def main(port, limit):
    client = Client()
    client.connect("127.0.0.1", port, 7)
    threading.Thread(target=client.run, daemon=True).start()
    client.wait("nextValidId")
    contract = listed()
    ask_about_the_market(client, contract)
    trade(client, contract, limit)
    ask_about_the_account(client)
    client.read["version"] = client.serverVersion()
    print(json.dumps(client.read))
    client.disconnect()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
