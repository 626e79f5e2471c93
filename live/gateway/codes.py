"""What the broker says with a code."""

from __future__ import annotations

__all__ = ["CODES"]

CODES = {
    103: "Duplicate order id",
    110: "The price does not conform to the minimum price variation for this contract.",
    162: "Historical Market Data Service error message:API historical data query cancelled",
    200: "No security definition has been found for the request",
    201: "Order rejected - reason:Simulated",
    321: "Error validating request.-'bN' : cause - Simulated",
    326: "Unable to connect as the client id is already in use. Retry with a unique client id.",
    399: "Order Message: Warning: Your order will not be placed at the exchange until the next session",
    1100: "Connectivity between IBKR and Trader Workstation has been lost.",
    1101: "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
    1102: "Connectivity between IBKR and Trader Workstation has been restored - data maintained.",
    1300: "TWS socket port has been reset and this connection is being dropped.",
    2103: "Market data farm connection is broken:usfarm",
    2104: "Market data farm connection is OK:usfarm",
    2106: "HMDS data center connection is OK:ushmds",
    2110: "Connectivity between Trader Workstation and server is broken. It will be restored automatically.",
    2158: "Sec-def data center connection is OK:secdefnj",
    10147: "OrderId that needs to be cancelled is not found.",
    10148: "OrderId that needs to be cancelled can not be cancelled.",
}
