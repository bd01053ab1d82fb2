"""CloudEvents: the data becomes ``value``, the attributes become ``envelope``.

In binary mode the attributes are headers (``ce_id``) and the value is the data, in the pipeline's format. In structured
mode the value is a JSON object that has both, in batch mode a list of those. The content type says which mode it is;
without one the value shows it. Sources: the specification 1.0.2, its bindings of Kafka and JSON, and its version 0.3.
"""

import base64
from typing import Any, NoReturn

from connector.core.formats.decoded import DecodingError, Document, Headers
from connector.core.formats.plain import decode_json
from connector.core.records import Reason
from connector.core.words import type_word

MAX_BATCH = 1_000  # events of one record, as many as for_each may make
_REQUIRED = ("id", "source", "specversion", "type")
_PREFIX = "ce_"
_STRUCTURED, _BATCH = "application/cloudevents", "application/cloudevents-batch"
_DATA = frozenset({"data", "data_base64"})


def cloudevents(document: Any, headers: Headers) -> Document | list[Document | DecodingError]:
    """The event, or those of a batch: one that is invalid is a DecodingError in its place.

    Raises:
        DecodingError: this is no CloudEvent.
    """
    media = _media_type(headers)
    if not media.startswith(_STRUCTURED) and is_binary(headers):
        return Document(document, _checked(_of_headers(headers)))
    if media.startswith(_BATCH) or (type(document) is list and not media.startswith(_STRUCTURED)):
        return _batch(document)
    return _structured(document)


def is_binary(headers: Headers) -> bool:
    """Whether the headers are those of an event in binary mode, whose value is its data, or none where it has none."""
    return any(name.startswith(_PREFIX) for name, _ in headers)


def is_json(headers: Headers) -> bool:
    """Whether the value is an event in structured mode or a batch of them, and so JSON whatever the data's format is.

    Raises:
        DecodingError: it is such an event in another format than JSON.
    """
    media = _media_type(headers)
    if not media.startswith(_STRUCTURED):
        return False
    if media not in {_STRUCTURED, f"{_STRUCTURED}+json", _BATCH, f"{_BATCH}+json"}:
        message = f"expected a CloudEvent as {_STRUCTURED}+json, found one in another event format"
        raise DecodingError(Reason.NOT_AN_ENVELOPE, message)
    return True


def _media_type(headers: Headers) -> str:
    """Without parameters, such as the charset, and in lower case; "" where there is none."""
    for name, value in headers:
        if value is not None and name.lower() == "content-type":
            return value.partition(b";")[0].strip().lower().decode("ascii", "replace")
    return ""


def _of_headers(headers: Headers) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for name, value in headers:
        if name.startswith(_PREFIX):
            attributes[name.removeprefix(_PREFIX)] = _text(value)
        elif name.lower() == "content-type":
            attributes["datacontenttype"] = _text(value)
    return attributes


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _batch(document: Any) -> list[Document | DecodingError]:
    if type(document) is not list:
        _refuse(document, "a batch of CloudEvents, a JSON list")
    if len(document) > MAX_BATCH:
        raise DecodingError(Reason.TOO_LONG, f"expected at most {MAX_BATCH} events, found {len(document)}")
    return [_one(event) for event in document]


def _one(event: Any) -> Document | DecodingError:
    try:
        return _structured(event)
    except DecodingError as error:
        return error


def _structured(document: Any) -> Document:
    if type(document) is not dict or "specversion" not in document:
        _refuse(document, "a CloudEvent: headers ce_id and so on, or an object with specversion")
    attributes = {name: value for name, value in document.items() if name not in _DATA}
    return Document(_data(document), _checked(attributes))


def _refuse(document: Any, wanted: str) -> NoReturn:
    found = "an object without specversion" if type(document) is dict else type_word(document)
    raise DecodingError(Reason.NOT_AN_ENVELOPE, f"expected {wanted}, found {found}")


def _checked(attributes: dict[str, Any]) -> dict[str, Any]:
    missing = [name for name in _REQUIRED if not attributes.get(name) or type(attributes[name]) is not str]
    if missing:
        message = f"expected a CloudEvent with {', '.join(_REQUIRED)}, found no text for {', '.join(missing)}"
        raise DecodingError(Reason.NOT_AN_ENVELOPE, message)
    version = attributes["specversion"]
    if version != "0.3" and not version.startswith("1."):
        message = "specversion: expected 1.0 or 0.3, found another version of CloudEvents"
        raise DecodingError(Reason.NOT_AN_ENVELOPE, message)
    return attributes


# Data


def _data(event: dict[str, Any]) -> Any:
    if event.get("data_base64") is not None:
        if event.get("data") is not None:
            raise DecodingError(Reason.NOT_AN_ENVELOPE, "expected data or data_base64, found both")
        return _unpacked("data_base64", event["data_base64"], event)
    data = event.get("data")
    if event.get("datacontentencoding") == "base64" and data is not None:  # of 0.3
        return _unpacked("data", data, event)
    return data


def _unpacked(name: str, packed: Any, event: dict[str, Any]) -> Any:
    """JSON where the type says so or is absent, else text where it is UTF-8, else the base64 as it came."""
    if type(packed) is not str:
        raise DecodingError(Reason.NOT_AN_ENVELOPE, f"{name}: expected base64 text, found {type_word(packed)}")
    try:
        octets = base64.b64decode(packed, validate=True)
    except ValueError:
        raise DecodingError(Reason.NOT_AN_ENVELOPE, f"{name}: expected base64, found other text") from None
    if _is_json_type(event.get("datacontenttype")):
        try:
            return decode_json(octets)
        except DecodingError as error:
            raise DecodingError(error.reason, f"{name}: {error.message}") from None
    text = _text(octets)
    return packed if text is None else text


def _is_json_type(media: Any) -> bool:
    if type(media) is not str:
        return True
    kind = media.partition(";")[0].strip().lower()
    return kind.endswith(("/json", "+json"))
