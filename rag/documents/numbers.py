"""Numbers and dates of a spreadsheet's cells as a person would write them.

Follows the cell's own format as far as it says percent, thousands, decimals or a currency.
"""

from __future__ import annotations

import datetime
import re

_CURRENCY = re.compile(r"\[\$([^\-\]]+)[^\]]*\]|([€$£¥₹])")
_QUOTED = re.compile(r'"([^"]*)"')
_DECIMALS = re.compile(r"0\.(0+)")


def shown(value: object, form: str = "General") -> str:
    """Return a cell's value in words and figures; "" for an empty one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value, form)
    if isinstance(value, datetime.datetime):
        if value.time() == datetime.time():
            return day(value.date())
        return f"{day(value.date())}, {clock(value.time())}"
    if isinstance(value, datetime.date):
        return day(value)
    if isinstance(value, datetime.time):
        return clock(value)
    if isinstance(value, datetime.timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")
    return str(value)


def number(value: float, form: str = "General") -> str:
    """Return a number as its format shows it: `45 %` as `45%`, `1234.5` as `1,234.50 €`."""
    form = form.split(";")[0]
    plain = _QUOTED.sub("", form)
    decimals = len(found[1]) if (found := _DECIMALS.search(plain)) else 0
    comma = "," if "#,#" in plain else ""
    if "%" in plain:
        return f"{value * 100:{comma}.{decimals}f}%"
    sign = _CURRENCY.search(form)
    if "0" in plain and (comma or decimals or sign):
        words = f"{value:{comma}.{decimals}f}"
    elif float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value)}"
    else:
        words = f"{value:.10g}"
    if sign:
        symbol = sign[1] or sign[2]
        before = sign.start() < plain.find("0") if "0" in plain else True
        return f"{symbol}{words}" if before and len(symbol) == 1 else f"{words} {symbol}"
    return words


def day(value: datetime.date) -> str:
    """Return a date as `5 March 2024`."""
    months = (
        "January February March April May June July August September October November December"
    ).split()
    return f"{value.day} {months[value.month - 1]} {value.year}"


def clock(value: datetime.time) -> str:
    """Return a time of day as `14:30`, with seconds where there are some."""
    return value.strftime("%H:%M:%S" if value.second else "%H:%M")
