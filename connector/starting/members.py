"""The members of a rule's events, each with the evidence that speaks for it."""

from collections.abc import Iterator
from typing import Any

from connector.starting.fields import Field, Path, expression
from connector.starting.plans import Member, Plan, Rule, find, has, note_others
from connector.starting.roles import candidates, columns, names_no_zone, time_of, times_in, told_by_values, unknown_ids
from connector.starting.writing import flow, spelled

_ENOUGH = 30  # records that have more than a few people's, as a rule
_FEW = 3


def members_of(made: Plan, rule: Rule, names: set[str], each: Path | None, shown: Path | None) -> Iterator[Member]:
    """The members of events of these names: of each element of a list, or of a list that was shown."""
    yield _session_member(made)
    user = next((one for one in find(made, "user") if has(made, names, one)), None)
    if user is not None:
        made.people.add(user.path)
        _note_few(made, user)
        # Where the user stands for the session it is the userId, too: without one, training knows of no user.
        why = made.evidence(user) + ("" if user in made.session else "; null before the login")
        yield Member("userId", spelled(expression(user.path)), why)
    yield _type_member(made, names, chosen=rule.name != "events")
    yield from _id_member(made, names, each)
    if shown is None:
        yield from _item_members(made, names, each)
    yield from _shown_member(made, each, shown)
    yield from _time_member(made)
    if shown is None:
        yield from _properties(made, names, each)


def _session_member(made: Plan) -> Member:
    made.people |= {one.path for one in made.session}
    _note_few(made, made.session[0])
    first, *others = (expression(one.path) for one in made.session)
    why = "; ".join(made.evidence(one) for one in made.session)
    if others and -1 in made.session[0].values:
        text = flow({"case": [{"when": f"{first} == `-1`", "then": others[0]}, {"else": first}]}, 21)
        return Member("sessionId", text, f"{why}; -1 is outside of a session")
    if others and made.fields.share(made.session[0].path) < 1:
        return Member("sessionId", spelled(f"coalesce_empty({first}, {others[0]})"), why)
    return Member("sessionId", spelled(first), made.evidence(made.session[0]))


def _note_few(made: Plan, found: Field) -> None:
    """A profile may be a person, or one of kids and adults: then all people would be one."""
    note = f"{expression(found.path)} has {found.distinct} values in {found.present:,} records: is each a person's?"
    if found.present >= _ENOUGH and found.distinct <= _FEW and note not in made.notes:
        made.notes.append(note)


def _type_member(made: Plan, names: set[str], *, chosen: bool) -> Member:
    if made.event is None:
        return Member("eventType", "{const: View}")
    made.things.add(made.event.path)
    lookup = {name: made.lookup[name] for name in made.lookup if name in names}
    spec: dict[str, Any] = {"from": expression(made.event.path), "lookup": lookup, "otherwise": "skip"}
    if chosen:  # by the rule's condition
        del spec["otherwise"]
        spec = {"const": next(iter(lookup.values()))} if len(lookup) == 1 else spec
    text = flow(spec, 21)
    return Member("eventType", text, made.evidence(made.event))


def _id_member(made: Plan, names: set[str], each: Path | None) -> Iterator[Member]:
    taken = {one.path for one in made.session}
    found = next((one for one in find(made, "id") if one.path not in taken and has(made, names, one)), None)
    if found is None:
        return
    made.people.add(found.path)
    name = expression(found.path)
    spec = flow({"template": f"{{{{ {name} }}}}:{{{{ index }}}}"}, 19) if each else spelled(name)
    yield Member("eventId", spec, f"{made.evidence(found)}; the same id counts once in training")


def _item_members(made: Plan, names: set[str], each: Path | None) -> Iterator[Member]:
    for name, role in (("itemId", "item"), ("eventValue", "value")):
        found = [] if each is None else candidates(made.fields, role, each).fields
        found += [] if found else [one for one in candidates(made.fields, role).fields if has(made, names, one)]
        if not found and role == "item":
            missing = "no member looks like an item: of events without items a model learns little"
            made.notes.append(missing + _others(made))
        if found:
            made.things.add(found[0].path)
            text = expression(found[0].path)
            if role == "value" and "cent" in found[0].name.lower():
                text = f"divide(to_number({text}), `100`)"
            only = role == "item" and made.event is None  # nothing else says that a record is an event
            spec = flow({"from": text, "otherwise": "skip"}, 18) if only else spelled(text)
            yield Member(name, spec, made.evidence(found[0]))
            note_others(made, name, found)
            if role == "value" and text == expression(found[0].path):
                _note_cents(made, found[0], text)


def _others(made: Plan) -> str:
    """Ids of which nobody knows what they are of; one may be the item's."""
    roles = ("session", "visitor", "user", "id", "recommendation")
    known = {one.path for role in roles for one in find(made, role)} | {one.path for one in made.session}
    names = [expression(one.path) for one in unknown_ids(made.fields, known)][:5]
    return f"; write itemId, if it is one of {', '.join(names)}" if names else ""


def _note_cents(made: Plan, found: Field, text: str) -> None:
    """Prices that are all whole and large are often cents."""
    if all(type(value) is int and value >= 100 for value in found.values):
        made.notes.append(f"{text} has whole numbers alone: if they are cents, write divide({text}, `100`)")


def _shown_member(made: Plan, each: Path | None, shown: Path | None) -> Iterator[Member]:
    if shown is not None:
        [item, *_] = candidates(made.fields, "item", shown).fields
        made.things.add(item.path)
        inner = expression(item.path).removeprefix("item.")
        yield Member("impression", spelled(f"{expression(shown)}[:25].{inner}"), made.evidence(item))
        return
    found = candidates(made.fields, "impression", made.inside if each else None).best
    if found is not None:
        made.things.add(found.path)
        yield Member("impression", spelled(f"{expression(found.path)}[:25]"), made.evidence(found))


def _time_member(made: Plan) -> Iterator[Member]:
    found = find(made, "time") or told_by_values(made.fields, made.inside)
    time = time_of(found[0]) if found else None
    if time is None:
        made.notes.append("no member is a time that can be read in one way only: the record's own timestamp counts")
        return
    made.things.add(found[0].path)
    made.time = found[0]
    text = expression(found[0].path)
    count = len(found[0].values)
    if broken := count - len(times_in(found[0], time.format)):
        made.notes.append(f"{broken:,} of {count:,} values of {text} are no time: such records become dead letters")
    if names_no_zone(found[0], time.format):
        made.notes.append(f"{text} names no zone and is read as UTC: if it is local time, add timezone: Europe/Berlin")
    if time.format is not None:
        yield Member("sentAt", flow({"from": text, "format": time.format}, 18), time.words)
    elif made.fields.share(found[0].path) < 1:
        yield Member("sentAt", spelled(f"not_null({text}, timestamp)"), f"{time.words}; else the record's own")
    else:
        yield Member("sentAt", spelled(text), f"{time.words}; {made.evidence(found[0])}")
    note_others(made, "sentAt", found)


def _properties(made: Plan, names: set[str], each: Path | None) -> Iterator[Member]:
    found = [(name, one) for name, one in columns(made.fields, each) if name in made.columns and has(made, names, one)]
    if found:
        made.things |= {one.path for _, one in found}
        spec = flow({name: expression(one.path) for name, one in found}, 22)
        yield Member("properties", spec, "columns of your interactions schema; remove those that it does not have")
