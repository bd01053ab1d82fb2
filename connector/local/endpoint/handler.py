"""What the endpoint does with a request: it replies, resets the connection, or hangs. No sockets are here.

The checks run in the order in which AWS makes them, because that order decides which error a client sees when
several things are wrong: the network, the signature, permissions, the quota, failures of the service, and the
body last. Events are accepted when the call arrives. Latency delays only the response, so a caller that times
out has still delivered its events.
"""

import logging
import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import orjson
from pydantic import ValidationError

from connector.local.endpoint.datasets import DESCRIBE, described
from connector.local.endpoint.errors import STATUS, ServiceError
from connector.local.endpoint.exchange import Hang, Reaction, Reply, Request, Reset
from connector.local.endpoint.faults import Faults, Injector
from connector.local.endpoint.ledger import Accepted, AcceptedEntry, Ledger
from connector.local.endpoint.operations import Operation, operations
from connector.local.endpoint.signatures import check_signature
from connector.local.endpoint.validation import Call, check_of, count_ignored, read_call

logger = logging.getLogger(__name__)

PREFIX = b"/_local/"  # no path of any AWS operation starts with an underscore


def refusal(error: ServiceError, delay: float = 0.0) -> Reply:
    """An error as rest-json carries it: the code in a header, the message in the body."""
    return Reply(error.status, orjson.dumps({"message": error.message}), error.code, delay)


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(status, orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))


class RequestHandler:
    """Handles the service's operations and the pages under ``/_local/``.

    Faults and ledger are values that are replaced whole.
    """

    def __init__(self, faults: Faults, ledger: Ledger, *, seed: int = 0, strict: bool = False) -> None:
        for operation in operations().values():
            check_of(operation.name)  # read the model at the start, not during the first call
        self.ledger = ledger
        self.strict = strict
        self.seed = seed
        self.injector = Injector(faults, random.Random(seed))  # noqa: S311  repeatable faults

    def handle(self, request: Request, now: float, tick: float) -> Reaction:
        """Decide on a request. ``now``: seconds since the epoch; ``tick``: seconds of a monotonic clock."""
        path = request.target.partition(b"?")[0]
        if path.startswith(PREFIX) or (request.method in {b"GET", b"HEAD"} and (b"GET", path) in PAGES):
            return self._safely(lambda: self._page(path, request))
        reaction = self._safely(lambda: self._operation(path, request, now, tick))
        self.ledger.answers[_name(reaction)] += 1
        if isinstance(reaction, Reply) and reaction.code is not None:
            self.ledger.codes[reaction.code] += 1
        return reaction

    def refuse(self, code: str, message: str) -> Reply:
        """The reply to bytes that are not a readable request; counted like any other reply."""
        self.ledger.answers[str(STATUS[code])] += 1
        self.ledger.codes[code] += 1
        return refusal(ServiceError(code, message))

    @staticmethod
    def _safely(decide: Callable[[], Reaction]) -> Reaction:
        try:
            return decide()
        except Exception as error:  # noqa: BLE001  a bug here returns a 500, and the next call is served
            # The type alone: the message of an exception may quote an event.
            logger.error("endpoint failed on a request: %s", type(error).__name__)
            return refusal(ServiceError("InternalFailure", "the endpoint failed; see its log"))

    def _operation(self, path: bytes, request: Request, now: float, tick: float) -> Reaction:
        operation = operations().get(path) if request.method == b"POST" else None
        if operation is not None:
            return self._call(operation, request, now, tick)
        if request.headers.get(b"x-amz-target") == DESCRIBE:
            return described(request, self.injector.faults, now)
        known = ", ".join(f"{each.path.decode()} ({each.name})" for each in operations().values())
        return refusal(ServiceError("UnknownOperationException", f"expected POST to one of {known}"))

    def _call(self, operation: Operation, request: Request, now: float, tick: float) -> Reaction:
        injector = self.injector
        broken = self._network(injector, operation.name)
        if broken is not None:
            return broken
        call: Call | None = None
        try:
            call = self._accept(operation, request, injector, now, tick)
        except ServiceError as error:
            return refusal(error, injector.delay(None))
        delay = injector.delay(call[operation.destination])
        if injector.happens(injector.faults.reset_after_rate):
            return Reset(delay, accepted=True)
        return Reply(delay=delay) if delay else _ACCEPTED

    @staticmethod
    def _network(injector: Injector, operation: str) -> Reset | Hang | None:
        """Faults that happen before AWS would have seen the call."""
        faults, outage = injector.faults, injector.faults.outage_of(operation)
        if outage == "close" or injector.happens(faults.reset_rate):
            return Reset()
        if outage == "hang" or injector.happens(faults.hang_rate):
            return Hang()
        return None

    def _accept(self, operation: Operation, request: Request, injector: Injector, now: float, tick: float) -> Call:
        headers, body = request.headers, request.body
        if injector.faults.outage_of(operation.name) == "unavailable":
            raise ServiceError("ServiceUnavailable", "injected outage")
        access_key = check_signature(request, now, injector.faults.credentials)
        token = headers.get(b"x-amz-security-token", b"").decode("latin-1")
        injector.check_front(access_key, token, tick, operation.name)
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise ServiceError("UnsupportedMediaTypeException", "expected a body without content encoding")
        call = read_call(body, operation)
        injector.check_call(call, tick, operation)
        ignored = count_ignored(call, now, operation)
        if ignored and self.strict:
            message = "an event has an id or a time that the service accepts and ignores (refused by --strict)"
            raise ServiceError("InvalidInputException", message)
        self.ledger.accept(operation, call, body, now, ignored)
        return call

    def _page(self, path: bytes, request: Request) -> Reply:
        method = b"GET" if request.method == b"HEAD" else request.method
        page = PAGES.get((method, path))
        if page is not None:
            return page(self, request.body)
        known = ", ".join(f"{method.decode()} {name.decode()}" for method, name in PAGES)
        return _json({"message": f"expected one of {known}"}, 404)

    def control(self, changes: Mapping[str, Any]) -> None:
        """Replace some faults; null ends one. Raises pydantic.ValidationError for an unknown name or a wrong value."""
        old = self.injector
        self.injector = Injector(old.faults.changed(changes), old.chance)

    def reset(self) -> None:
        """Forget what was accepted and counted. Faults stay; the random numbers restart at the seed."""
        self.ledger = self.ledger.fresh()
        self.injector = Injector(self.injector.faults, random.Random(self.seed))  # noqa: S311

    def stats(self) -> dict[str, Any]:
        """The counters; see ``Ledger.stats``."""
        return self.ledger.stats()

    def stats_page(self, _body: bytes) -> Reply:
        """``stats``, over HTTP."""
        return _json(self.stats())

    def accepted(self) -> list[Accepted]:
        """Every event that PutEvents accepted, in order. Raises RuntimeError where the ledger does not keep them."""
        return [row for row in self.ledger.accepted() if isinstance(row, Accepted)]

    def entries(self, operation: str) -> list[AcceptedEntry]:
        """Every accepted entry of another operation, in order. Raises RuntimeError as ``accepted``."""
        rows = (row for row in self.ledger.accepted() if isinstance(row, AcceptedEntry))
        return [row for row in rows if row.operation == operation]

    def state(self) -> dict[str, dict[str, Any]]:
        """Dataset ARN → id → the newest entry: what the service would have now. Raises RuntimeError as ``accepted``."""
        return self.ledger.state()

    def state_page(self, _body: bytes) -> Reply:
        """``state``, over HTTP."""
        try:
            return _json(self.state())
        except RuntimeError as error:
            return _json({"message": str(error)}, 404)

    def accepted_page(self, _body: bytes) -> Reply:
        """What was accepted, one line of JSON for each event or entry."""
        try:
            accepted = self.ledger.accepted()
        except RuntimeError as error:
            return _json({"message": str(error)}, 404)
        return Reply(stream=(row.line() for row in accepted))

    def control_page(self, body: bytes) -> Reply:
        """Change the faults that the body names; replies with all faults in force, without secrets."""
        try:
            self.control(orjson.loads(body or b"{}"))
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False, include_input=False)
            message = "the body has an unknown fault or a wrong value; see problems"
            return _json({"message": message, "problems": problems}, 400)
        except (ValueError, TypeError):
            return _json({"message": "expected a JSON object of faults"}, 400)
        return _json(self.injector.faults.model_dump(mode="json"))

    def reset_page(self, _body: bytes) -> Reply:
        """``reset``, over HTTP."""
        self.reset()
        return _json({})


_ACCEPTED = Reply()


def _name(reaction: Reaction) -> str:
    match reaction:
        case Reply():
            return str(reaction.status)
        case Reset(accepted=accepted):
            return "reset_after" if accepted else "reset"
        case Hang():
            return "hang"


def _ready(_handler: RequestHandler, _body: bytes) -> Reply:
    return _json({"status": "ready"})


Page = Callable[[RequestHandler, bytes], Reply]
PAGES: Mapping[tuple[bytes, bytes], Page] = MappingProxyType(
    {
        (b"GET", b"/"): _ready,
        (b"GET", b"/health"): _ready,
        (b"GET", PREFIX + b"health"): _ready,
        (b"GET", PREFIX + b"stats"): RequestHandler.stats_page,
        (b"GET", PREFIX + b"accepted"): RequestHandler.accepted_page,
        (b"GET", PREFIX + b"state"): RequestHandler.state_page,
        (b"POST", PREFIX + b"control"): RequestHandler.control_page,
        (b"POST", PREFIX + b"reset"): RequestHandler.reset_page,
    }
)
