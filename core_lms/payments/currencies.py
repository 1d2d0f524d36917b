"""Currencies (ISO 4217) and how many decimals their minor unit has."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from contracts.event import CURRENCY_PATTERN

_TWO = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY
COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF
IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR
MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG
SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES
WST XCD XCG YER ZAR ZMW ZWG
"""
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"

DECIMALS: dict[str, int] = {
    **dict.fromkeys(_TWO.split(), 2),
    **dict.fromkeys(_NONE.split(), 0),
    **dict.fromkeys(_THREE.split(), 3),
}
"""Decimals of the minor unit by code: 1250 is 12.50 EUR, 1250 JPY, 1.250 KWD."""


def _known(code: str) -> str:
    if code not in DECIMALS:
        raise ValueError("is not a currency of ISO 4217")
    return code


CurrencyCode = Annotated[str, Field(pattern=CURRENCY_PATTERN), AfterValidator(_known)]


def spelled(amount_minor: int, currency: str) -> str:
    """The amount as people write it: ``12.50 EUR``, ``1250 JPY``."""
    decimals = DECIMALS[currency]
    if decimals == 0:
        return f"{amount_minor} {currency}"
    whole, rest = divmod(amount_minor, 10**decimals)
    return f"{whole}.{rest:0{decimals}} {currency}"
