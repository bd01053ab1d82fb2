"""Numbers as people write them: whole numbers stay exact, and 0.1 + 0.2 is 0.3.

A float is taken for the shortest decimal that reads back to it, because that is what stood in the record. Prices are
decimals, and a sum that ends in 00000000004 would be learnt from.
"""

import base64
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from math import isfinite

from connector.core.expressions.calling import EvaluationError

Number = int | float

MAX_DIGITS = 15  # of round(): a float has no more
MAX_SCALE = 100  # of decimal(): databases have 38 at most
MAX_BYTES = 64  # of decimal(): 16 hold 38 digits, and an integer of a megabyte takes minutes to read

MAX_LENGTH = 4_000  # digits of an integer: one that is squared again and again would fill the memory

_LARGEST = 10**MAX_LENGTH
_CONTEXT = Context(prec=200, rounding=ROUND_HALF_EVEN)


def _exact(number: Number) -> Decimal:
    return Decimal(number) if isinstance(number, int) else Decimal(repr(number))


def _number(name: str, value: Decimal) -> Number:
    number = float(value)
    if not isfinite(number):
        raise EvaluationError(f"{name}() expected a result within the range of a float")
    return number


def _operation(
    name: str, of_integers: Callable[[int, int], int], of_decimals: Callable[[Decimal, Decimal], Decimal]
) -> Callable[[Number | None, Number | None], Number | None]:
    def calculate(left: Number | None, right: Number | None) -> Number | None:
        if left is None or right is None:
            return None
        if isinstance(left, int) and isinstance(right, int):
            result = of_integers(left, right)
            if -_LARGEST < result < _LARGEST:
                return result
            raise EvaluationError(f"{name}() expected a result of at most {MAX_LENGTH} digits")
        return _number(name, of_decimals(_exact(left), _exact(right)))

    return calculate


add = _operation("add", int.__add__, _CONTEXT.add)
subtract = _operation("subtract", int.__sub__, _CONTEXT.subtract)
multiply = _operation("multiply", int.__mul__, _CONTEXT.multiply)


def divide(left: Number | None, right: Number | None) -> Number | None:
    """The quotient: an integer where two integers leave no remainder."""
    if left is None or right is None:
        return None
    if right == 0:
        raise EvaluationError("divide() expected a divisor other than zero")
    if isinstance(left, int) and isinstance(right, int):
        quotient, remainder = divmod(left, right)
        return left / right if remainder else quotient
    return _number("divide", _CONTEXT.divide(_exact(left), _exact(right)))


def round_half_up(number: Number | None, digits: Number = 0) -> Number | None:
    """Halves away from zero, as on a bill; an integer without ``digits``."""
    if number is None:
        return None
    if digits != int(digits) or not 0 <= digits <= MAX_DIGITS:
        raise EvaluationError(f"round() expected 0 to {MAX_DIGITS} digits after the point")
    if isinstance(number, int):
        return number
    exact = _exact(number)
    if exact.adjusted() > MAX_DIGITS:
        return number if digits else int(number)  # it has no digits after the point
    rounded = exact.quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP, _CONTEXT)
    return float(rounded) if digits else int(rounded)


def _bytes(name: str, text: str) -> bytes:
    packed = "".join(text.split()).translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except ValueError:
        pass
    raise EvaluationError(f"{name}() expected base64, not other text")


_URL_SAFE = str.maketrans("-_", "+/")


def base64_decode(text: str) -> str:
    """The text whose UTF-8 is encoded, in the alphabet of RFC 4648 or its URL-safe one, with padding or without."""
    decoded = _bytes("base64_decode", text)
    try:
        return decoded.decode()
    except UnicodeDecodeError:
        pass
    raise EvaluationError("base64_decode() expected base64 of text in UTF-8, not of other bytes")


def decimal(text: str, scale: Number | None) -> Number | None:
    """Kafka Connect's and Debezium's Decimal: the base64 of an unscaled big-endian integer, and its scale."""
    if scale is None:
        return None
    if scale != int(scale) or abs(scale) > MAX_SCALE:
        raise EvaluationError(f"decimal() expected a whole number of at most {MAX_SCALE} as its scale")
    encoded = _bytes("decimal", text)
    if not encoded:  # Java writes at least one byte, also for zero
        raise EvaluationError("decimal() expected the base64 of an integer, not of no bytes at all")
    if len(encoded) > MAX_BYTES:
        raise EvaluationError(f"decimal() expected an integer of at most {MAX_BYTES} bytes")
    unscaled = int.from_bytes(encoded, "big", signed=True)
    if scale <= 0:
        return int(unscaled * 10 ** -int(scale))
    return _number("decimal", Decimal(unscaled).scaleb(-int(scale), _CONTEXT))
