"""How the pages say numbers. Rounded for reading; the API has the exact values."""

from __future__ import annotations

_THIN_SPACE = "\u2009"
_MICRODOLLAR = 1_000_000  # in picodollars


def dollars(picodollars: int) -> str:
    """`$1,234.57` from one dollar on, else down to the millionth of a dollar; never zero for something."""
    sign = "-" if picodollars < 0 else ""
    amount = abs(picodollars)
    if amount >= 1_000_000 * _MICRODOLLAR:
        cents = (amount + 5_000_000_000) // 10_000_000_000
        return f"{sign}${cents // 100:,}.{cents % 100:02d}"
    if 0 < amount < _MICRODOLLAR:
        return f"{sign}<$0.000001"
    micro = (amount + _MICRODOLLAR // 2) // _MICRODOLLAR
    return f"{sign}${micro // 1_000_000}.{micro % 1_000_000:06d}"


def count(number: int) -> str:
    """`12 345`, with thin spaces."""
    return f"{number:,}".replace(",", _THIN_SPACE)


def milliseconds(value: float | None) -> str:
    """`0.3 ms`, `310 ms`, `12.4 s`; a dash for what was not measured."""
    if value is None:
        return "–"  # noqa: RUF001 - typography
    if value >= 10_000:
        return f"{value / 1000:.1f} s"
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"


def clock_time(at: str) -> str:
    """`2026-11-24 05:30:59` of an entry's `at` (UTC)."""
    return at[:19].replace("T", " ")
