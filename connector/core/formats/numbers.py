"""Numbers of binary formats, as JSON would have had them: no digit is lost, and none is made up.

A decimal is a number wherever a number keeps all its digits, and text where it would not. A float of 32 bits is taken
for the shortest decimal that reads back to it, because that is what stood in the record: 19.99, not 19.989999771118164.
"""

import struct
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

MAX_BYTES = 64  # of a decimal: 16 hold 38 digits, and an integer of a megabyte takes minutes to print
MAX_SCALE = 100  # databases have 38 at most
_EXACT_INTEGER = 10**15  # every decimal of fifteen digits differs from its neighbours as a float
_EXACT_POWER = 22  # the greatest power of ten that is a float exactly
_CONTEXT = Context(prec=400, Emax=MAX_EMAX, Emin=MIN_EMIN)
_FLOAT = struct.Struct("<f")
_DIGITS = tuple(f".{digits}g" for digits in range(1, 10))  # nine tell any two floats of 32 bits apart
_NORMAL = 2.0**-126  # below this a float has fewer digits


def decimal_value(unscaled: int, scale: int) -> int | float | str:
    """``unscaled / 10**scale``: an integer where the scale is not above zero, else a float.

    It is text, such as ``12345678901234567.89``, where a float would lose digits or 64 bits do not hold the integer.
    ``scale`` is at most ``MAX_SCALE`` either way.
    """
    if scale <= 0:
        whole = int(unscaled * 10**-scale)
        return whole if whole.bit_length() < 64 else str(whole)
    if -_EXACT_INTEGER < unscaled < _EXACT_INTEGER and scale <= _EXACT_POWER:
        return float(unscaled / 10**scale)
    exact = Decimal(unscaled).scaleb(-scale, _CONTEXT)
    number = float(exact)
    return number if Decimal(repr(number)) == exact else format(exact, "f")


def shortest(number: float) -> float:
    """The float of 64 bits nearest to the shortest decimal that a float of 32 bits can be told by.

    ``number`` is that float of 32 bits, as Python reads it. Whole numbers, infinities and NaN stay what they are.
    """
    if number.is_integer():
        return number
    # Six digits always survive, so what had at most six, which nearly every price has, is found at the first try.
    for digits in _DIGITS[5 if abs(number) >= _NORMAL else 0 : -1]:
        found = float(format(number, digits))
        if _FLOAT.unpack(_FLOAT.pack(found))[0] == number:
            return found
    return float(format(number, _DIGITS[-1]))
