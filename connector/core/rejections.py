"""A record has one dead letter, however many of its events are invalid; its message says what is wrong with each."""

from collections.abc import Sequence

from connector.core.records import DataError, Place, Rejection, Stage, place_order, place_text

MOST_WORDS = 800  # characters of a message that says what is wrong with several events; it becomes a header


def rejection_of(
    error: DataError, member: str | None, pipeline: str, rule: str, indexes: tuple[Place, ...] = ()
) -> Rejection:
    """The Rejection that an error of mapping becomes."""
    stage, field = (Stage.DECODE, "key") if error.of_key else (Stage.MAP, member)
    return Rejection(stage, error.reason, str(error), field, pipeline, rule, indexes)


def merge(rejections: Sequence[Rejection]) -> Rejection:
    """One Rejection for a record of which several events are invalid: all indexes, and what is wrong with each.

    Stage, reason and member are those of the first; the message has every element's own, as far as there is room.
    """
    if len(rejections) == 1:
        return rejections[0]
    by_index = sorted(rejections, key=lambda rejection: [place_order(index) for index in rejection.indexes])
    indexes = sorted({index for rejection in rejections for index in rejection.indexes}, key=place_order)
    return by_index[0]._replace(indexes=tuple(indexes), message=_each_in_words(by_index))


def _each_in_words(rejections: Sequence[Rejection]) -> str:
    """``pipeline p, rule r: [0, 2] itemId: …; [1] eventType: …``: elements of one fault together, the first first."""
    first = rejections[0]
    start = f"pipeline {first.pipeline}, rule {first.rule}: "
    by_words: dict[str, list[Place]] = {}
    for rejection in rejections:
        by_words.setdefault(rejection.message.removeprefix(start), []).extend(rejection.indexes)
    text, kinds = start, 0
    for words, indexes in by_words.items():
        # What several events were merged into before has its indexes in its words.
        part = words if words.startswith("[") else f"{_listed(indexes)} {words}"
        if kinds and len(text) + len(part) > MOST_WORDS:
            return f"{text}; and {len(by_words) - kinds} more"
        text, kinds = f"{text}; {part}" if kinds else f"{text}{part}", kinds + 1
    return text


def _listed(indexes: Sequence[Place]) -> str:
    shown = ", ".join(map(place_text, indexes[:10]))
    return f"[{shown}, …]" if len(indexes) > 10 else f"[{shown}]"
