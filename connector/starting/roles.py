"""Which member of a record is the session, the user, the item, the time: told by its name, checked by its values."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from connector.core.mapping.times import TimeSpecError, time_parser
from connector.core.records import DataError
from connector.starting.fields import EACH, Field, Fields, Path

# Names of each role without signs and capitals, the surest first. Names of an object and its member count as one, too:
# session.id is a sessionid.
_NAMES: Mapping[str, str] = {
    "session": "sessionid session sid sessionuuid sessionguid sessionkey visitid domainsessionid gasessionid "
    "sessid visit sess playbacksessionid viewsessionid appsessionid websessionid usersessionid clientsessionid",
    "visitor": "anonymousid visitorid userpseudoid domainuserid deviceid clientid cookieid cookie fingerprint anonid "
    "browserid installid installationid appinstanceid visitor",
    "user": "userid user uid customerid customer memberid accountid loginid userkey personid profileid "
    "shopperid custid buyerid membershipid account usrid usr profile",
    "event": "event eventname eventtype action activity verb type kind name ename ev evt",
    "item": "itemid productid sku item product contentid articleid asin videoid movieid trackid offerid variantid "
    "skuid listingid recipeid songid bookid prodid prod article ean gtin "
    "titleid assetid episodeid showid programid mediaid courseid gameid hotelid",
    "value": "eventvalue price unitprice itemprice amount revenue total value cents pricecents unitcents amountcents",
    "time": "timestamp eventtime time eventtimestamp ts occurredat createdat sentat at eventts timestampms "
    "timestampmicros datetime "
    "originaltimestamp clienttimestamp servertimestamp receivedat date created tstamp derivedtstamp collectortstamp "
    "emittedat loggedat happenedat recordedat placedat orderedat placed eventdate",
    "id": "messageid eventid insertid msgid uuid id guid hitid",
    "recommendation": "recommendationid recid",
    "impression": "impression impressions shownproducts shownitems shown displayed",
    "agent": "useragent ua agent",
    "consent": "consent hasconsent consented personalizationconsent trackingconsent",
}  # fmt: skip
# What people write for id. Not in sessions: the number of a session is its place among a visitor's, 1 for all people.
# Something must be before it: a code alone is of anything.
_IDS = re.compile(r"(?<=...)(?:number|uuid|guid|code|num|uid|ref|no|nr)$")
# These name many things. A member of such a name is the event's only if its values are known names of events.
VAGUE = frozenset({"type", "kind", "name", "verb"})
# An id of nothing named is the event's only in the record itself, or in what speaks of the event.
_BARE = frozenset({"id", "uuid", "guid"})
_OF_EVENTS = frozenset(
    {"value", "envelope", "event", "message", "msg", "meta", "metadata", "header"}
    | {"payload", "data", "hit", "record", "body"}
)
_COLUMNS: Mapping[str, str] = {
    "category": "category itemcategory productcategory categoryid",
    "quantity": "quantity qty",
    "currency": "currency currencycode",
    "brand": "brand",
    "channel": "channel",
    "country": "country countrycode",
    "platform": "platform",
    "deviceType": "devicetype device",
}
# A time may say its unit, as in emittedAtMillis.
_UNITS = re.compile(r"(?<=...)(?:in)?(?:epoch)?(?:ms|millis|milliseconds|micros|sec|secs|seconds|utc|epoch|unix|iso)$")
_TIMES = 20  # of so many values of a time, one may be broken
_FEWEST = 0.05  # a member that fewer records have is no candidate
_PATTERNS = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y-%m-%d %H:%M:%S UTC",
    "%d/%b/%Y:%H:%M:%S %z", "%d-%b-%Y %H:%M:%S", "%a, %d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S %z",
    "%a %b %d %H:%M:%S UTC %Y",
)  # fmt: skip
_ZONE = re.compile(r"(?:[zZ]|[+-]\d\d(?::?\d\d)?)$")
_WHOLE = 14  # characters that a date with a time has at least
_PLAUSIBLE = range(946_684_801, 4_102_444_800)  # from 2000 to 2100: what is further away is no time, but a number


class Time(NamedTuple):
    """How a time is written: for people, and the format to name, None where the connector recognises it."""

    words: str
    format: str | None


class Candidates(NamedTuple):
    """Members that may have a role: the likeliest first."""

    fields: list[Field]

    @property
    def best(self) -> Field | None:
        """The likeliest."""
        return self.fields[0] if self.fields else None


def candidates(fields: Fields, role: str, inside: Path | None = None) -> Candidates:
    """Members that may have this role: of the record, or of the elements of a list."""
    if role in fields.chosen:
        path = fields.chosen[role]
        here = path[: len(inside) + 1] == (*inside, EACH) if inside else EACH not in path
        return Candidates([fields[path]] if here else [])
    names = _NAMES[role].split()
    also = {"session": None, "time": (_UNITS, "")}.get(role, (_IDS, "id"))
    found = fields.within(inside) if inside else (each for each in fields.values() if EACH not in each.path)
    ranked = [(_rank(each, names, also), each) for each in found if _fits(role, each, fields)]
    return Candidates(
        [each for rank, each in sorted(ranked, key=lambda pair: _order(pair, fields)) if rank < len(names)]
    )


def _order(pair: tuple[int, Field], fields: Fields) -> tuple[float, ...]:
    """By how often it is there, roughly, then by its name, then by its depth: rare members are second choices."""
    rank, field = pair
    return (-round(fields.share(field.path) * 2), rank, len(field.path))


def _rank(field: Field, names: list[str], also: tuple[re.Pattern[str], str] | None) -> int:
    """The place of its name; products[].id is a productid, and so is a productNo where other words for id count."""
    *_, parent, last = ("", *(plain(part) for part in field.path if part != EACH))
    forms = [last, parent + last, parent.removesuffix("s") + last]
    forms += [] if also is None else [also[0].sub(also[1], form) for form in forms]
    return min((names.index(name) for name in forms if name in names), default=len(names))


def plain(name: str) -> str:
    """A name without signs and capitals."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def unknown_ids(fields: Fields, known: set[Path]) -> Iterable[Field]:
    """Members whose name says that they are an id, but not of what."""
    found = (each for each in fields.values() if len(each.path) > 1 and each.path not in known and _is_id(each))
    return [each for each in found if _IDS.sub("id", plain("".join(each.path[-2:]))).endswith("id")]


def named_events(fields: Fields, inside: Path | None) -> Iterable[Field]:
    """Members of any name with few different texts."""
    found = fields.within(inside) if inside else (each for each in fields.values() if EACH not in each.path)
    return [each for each in found if len(each.path) > 1 and _is_event(each)]


def told_by_values(fields: Fields, inside: Path | None) -> list[Field]:
    """Members of any name that are dates with times, written as text; numbers could mean anything."""
    found = [*fields.within(inside)] if inside else []
    found += [each for each in fields.values() if EACH not in each.path and len(each.path) > 1]
    texts = [each for each in found if _is_text(each) and all(len(value) >= _WHOLE for value in each.values)]
    return [each for each in texts if not all(map(str.isdecimal, each.values)) and time_of(each) is not None]


def _fits(role: str, field: Field, fields: Fields) -> bool:
    if len(field.path) < 2 and field.path != ("key",):
        return False
    return fields.share(field.path) >= _FEWEST and fits(role, field)


def fits(role: str, field: Field) -> bool:
    """Whether the values of a member are of the kind that the role needs."""
    return _CHECKS.get(role, _is_id)(field)


def _is_id(field: Field) -> bool:
    return field.is_scalar and all(type(value) is not float for value in field.values)


def _is_unique(field: Field) -> bool:
    """Different in each record, and not the id of something else that the record names, such as a product."""
    *_, parent, last = ("", *(part for part in field.path if part != EACH))
    of_event = plain(last) not in _BARE or plain(parent).removesuffix("s") in _OF_EVENTS
    return of_event and _is_id(field) and field.distinct == field.present


def _is_event(field: Field) -> bool:
    """Text with few different values, of which none is long."""
    texts = all(isinstance(value, str) and len(value) <= 64 for value in field.values)
    return (
        field.is_scalar
        and texts
        and field.distinct <= 50
        and (field.present < 30 or 2 * field.distinct <= field.present)
    )


def _is_number(field: Field) -> bool:
    return field.is_scalar and all(_number(value) is not None for value in field.values)


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) and len(str(value)) < 40 else None
    except ValueError:
        return None


def _is_text(field: Field) -> bool:
    return field.is_scalar and all(isinstance(value, str) for value in field.values)


_CHECKS: Mapping[str, Callable[[Field], bool]] = {
    "event": _is_event,
    "value": _is_number,
    "time": lambda field: time_of(field) is not None,
    "id": _is_unique,
    "impression": lambda field: field.plain_lists == field.present,
    "agent": _is_text,
    "consent": lambda field: all(isinstance(value, bool) for value in field.values) and bool(field.values),
}


def time_of(field: Field) -> Time | None:
    """How the times of a member are written; None where more than one value in twenty is none."""
    arrays = not field.values and field.plain_lists == field.present > 0
    if arrays or not field.is_scalar:
        return None
    for form in (None, *_PATTERNS):
        times = times_in(field, form)
        if times and _TIMES * (len(field.values) - len(times)) <= len(field.values):
            return Time(_words(times[0], form), form)
    return None


def times_in(field: Field, form: str | None) -> list[str | int | float]:
    """The values of a member that are times in this format: a broken record must not hide what the others say."""
    return [value for value in field.values if _is_time(value, form)]


def _is_time(value: object, form: str | None) -> bool:
    try:
        return time_parser(form or "auto")(value) in _PLAUSIBLE
    except (DataError, TimeSpecError):
        return False


def names_no_zone(field: Field, form: str | None) -> bool:
    """Whether the times of a member are text without a zone, which is read as UTC."""
    texts = [value for value in times_in(field, form) if isinstance(value, str) and _number(value) is None]
    known = form is not None and form.endswith(("%z", "GMT", "UTC", "UTC %Y"))
    return bool(texts) and not known and not all(len(text) > len("2026-11-24") and _ZONE.search(text) for text in texts)


def _words(value: object, form: str | None) -> str:
    number = _number(value)
    if form is not None:
        return f"text like {form}"
    if number is None:
        return "ISO 8601"
    units = (("seconds", 1e11), ("milliseconds", 1e14), ("microseconds", 1e17))
    return f"{next((unit for unit, below in units if number < below), 'nanoseconds')} since 1970"


def columns(fields: Fields, inside: Path | None = None) -> Iterable[tuple[str, Field]]:
    """Members that make good columns of the interactions schema, by the column's name."""
    for name, words in _COLUMNS.items():
        found = [*fields.within(inside)] if inside else []
        found += [each for each in fields.values() if EACH not in each.path and len(each.path) > 1]
        each = next(
            (each for each in found if plain(each.name) in words.split() and each.is_scalar and _few(each)), None
        )
        if each is not None:
            yield name, each


def _few(field: Field) -> bool:
    """Few values, or numbers: others are as good as ids, of which a model learns nothing."""
    short = all(len(str(value)) <= 64 for value in field.values)
    return short and (_is_number(field) or field.distinct <= max(5, field.present // 4))
