"""``putevents endpoint``: serves until it is stopped, and then exits with 0.

Also ``python -m connector.local.endpoint.command``. It prints one line on stdout when it is ready, so that a script
can read its URL; everything else goes to stderr.
"""

import argparse
import asyncio
import importlib
import re
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import orjson
from pydantic import ValidationError

from connector.local.endpoint.faults import Faults
from connector.local.endpoint.ledger import Ledger
from connector.local.endpoint.operations import operations
from connector.local.endpoint.server import LOCALHOST, Endpoint, open_log

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 69
MOST_PORT = 65_535

DESCRIPTION = """\
A local Amazon Personalize Events endpoint: PutEvents, PutUsers, PutItems, PutActions and
PutActionInteractions. Point any AWS SDK at it (endpoint_url in boto3, or
AWS_ENDPOINT_URL_PERSONALIZE_EVENTS): it checks signatures, enforces every limit of the service,
responds as AWS does, and injects the faults that you choose. Nothing leaves this machine.
"""

EPILOG = """\
while it runs (no signature needed):
  GET  /_local/health     200 once it is ready
  GET  /_local/stats      counters: calls by status and by operation, errors, events by tracking id
  GET  /_local/accepted   accepted events and entries as JSON lines, in order; with --ledger
  GET  /_local/state      the newest entry of each user, item and action, by dataset; with --ledger
  POST /_local/control    change faults; null ends one. Any of
                          {"quota": 50, "throttle_status": 429, "latency": "20ms-50ms",
                           "fail_rate": 0.1, "reset_rate": 0.1, "reset_after_rate": 0.1, "hang_rate": 0.1,
                           "outage": "unavailable" | "close" | "hang", "denied": true,
                           "poison_prefix": "bad-", "tracking_ids": ["ID"],
                           "trackers": {"ID": {"quota": 5, "latency": "1s"}},
                           "quotas": {"PutItems": 10}, "outages": {"PutItems": "close"},
                           "dataset_arns": ["ARN"],
                           "datasets": {"ARN": {"busy": true, "quota": 5, "latency": "1s"}},
                           "credentials": {"KEY": "SECRET"}, "expired_keys": ["KEY"],
                           "expired_tokens": ["TOKEN"]}
  POST /_local/reset      forget what was accepted and counted

example:
  putevents endpoint --port 8123 --quota 100 --latency 20ms-50ms --ledger
  AWS_ENDPOINT_URL_PERSONALIZE_EVENTS=http://127.0.0.1:8123 pytest
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options and the help of this command."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--host", default=LOCALHOST, help="address to listen on (default: %(default)s, this machine only)")
    add("--port", type=_port, default=0, help="port to listen on, from 0 to 65535 (default: 0, a free one)")
    checks = parser.add_argument_group("what is checked")
    add = checks.add_argument
    add("--access-key", metavar="KEY", help="accept only this access key, and verify signatures in full")
    add("--secret-key", metavar="SECRET", help="the secret of --access-key")
    add(
        "--tracking-id",
        type=_text,
        metavar="ID",
        action="append",
        help="a tracking id that exists; may be repeated (default: any)",
    )
    add(
        "--dataset-arn",
        type=_text,
        metavar="ARN",
        action="append",
        help="the ARN of a dataset that exists; may be repeated (default: any)",
    )
    add("--strict", action="store_true", help="refuse events that the service accepts and ignores: ids like 'null', "
        "times before 2000 or more than a day ahead")  # fmt: skip
    faults = parser.add_argument_group("faults to inject", "a rate is the probability for each call, from 0 to 1")
    add = faults.add_argument
    add("--quota", type=float, metavar="N", help="PutEvents calls a second; more get a ThrottlingException")
    add("--quota-of", type=_quota, metavar="OPERATION=N", action="append", default=[],
        help="the same of another operation, such as PutItems=10, which is AWS's; may be repeated")  # fmt: skip
    add("--latency", metavar="TIME", help="time to a response: 20ms, or 20ms-50ms for a random time in between")
    add("--fail-rate", type=float, default=0.0, metavar="RATE", help="respond with 500 or 503")
    add("--reset-rate", type=float, default=0.0, metavar="RATE", help="reset the connection, accept nothing")
    add("--reset-after-rate", type=float, default=0.0, metavar="RATE",
        help="accept the call, then reset the connection: the caller cannot know that it was accepted")  # fmt: skip
    add("--hang-rate", type=float, default=0.0, metavar="RATE", help="never respond, accept nothing")
    add("--poison-prefix", type=_text, metavar="TEXT", help="refuse a call with an event whose itemId starts with TEXT")
    add("--seed", type=int, default=0, metavar="N", help="seed of the random numbers (default: %(default)s)")
    kept = parser.add_argument_group("what is kept of accepted events", "by default only counters, which cost nothing")
    add = kept.add_argument
    add("--ids", action="store_true", help="count distinct and repeated event ids (about 130 bytes each)")
    add("--ledger", action="store_true", help="keep every event in memory for /_local/accepted; implies --ids")
    add("--log", type=Path, metavar="PATH", help="append every event to a file of JSON lines")


def _port(text: str) -> int:
    # asyncio accepts any number and uses its last sixteen bits.
    number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else -1
    if not 0 <= number <= MOST_PORT:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to {MOST_PORT}, not {text!r}")
    return number


def _quota(text: str) -> tuple[str, float]:
    name, _, rate = text.partition("=")
    names = [each.name for each in operations().values()]
    number = float(rate) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", rate) else 0.0
    if name not in names or number <= 0:
        raise argparse.ArgumentTypeError(
            f"expected an operation and calls a second, as in PutItems=10; one of {', '.join(names)}"
        )
    return name, number


def _text(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("expected text that is not empty")
    return text


def read_faults(arguments: argparse.Namespace) -> Faults:
    """The faults that the arguments name. Raises ValueError (pydantic's is one) for invalid ones."""
    if (arguments.access_key is None) != (arguments.secret_key is None):
        raise ValueError("expected --access-key and --secret-key together")
    names = ("quota", "latency", "fail_rate", "reset_rate", "reset_after_rate", "hang_rate", "poison_prefix")
    chosen = {name: getattr(arguments, name) for name in names}
    chosen["tracking_ids"] = arguments.tracking_id
    chosen["dataset_arns"] = arguments.dataset_arn
    chosen["quotas"] = dict(arguments.quota_of) or None
    chosen["credentials"] = {arguments.access_key: arguments.secret_key} if arguments.access_key else None
    return Faults().changed(chosen)


async def _serve(endpoint: Endpoint) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with endpoint:
        sys.stdout.write(orjson.dumps({"url": endpoint.url}).decode() + "\n")
        sys.stdout.flush()
        await stopping.wait()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The loop of uvloop where it is installed: it is faster. Nothing here depends on it."""
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        return None
    return factory


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. Exit code 0; 2 for invalid options; 69 where port or log is unavailable."""
    try:
        faults = read_faults(arguments)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = "-".join(str(part) for part in problem["loc"][:1]).replace("_", "-")
            sys.stderr.write(f"putevents endpoint: --{name}: {problem['msg']}\n")
        return EXIT_USAGE
    except ValueError as error:
        sys.stderr.write(f"putevents endpoint: {error}\n")
        return EXIT_USAGE
    with ExitStack() as stack:
        try:
            log = stack.enter_context(open_log(arguments.log)) if arguments.log else None
            ledger = Ledger(keep=arguments.ledger, ids=arguments.ids, log=log)
            endpoint = Endpoint(
                faults, ledger, host=arguments.host, port=arguments.port,
                seed=arguments.seed, strict=arguments.strict,
            )  # fmt: skip
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(_serve(endpoint))
        except OSError as error:
            sys.stderr.write(f"putevents endpoint: {error.strerror or error}\n")
            return EXIT_UNAVAILABLE
    return EXIT_OK


def main() -> int:
    """The command on its own."""
    parser = argparse.ArgumentParser(prog="putevents endpoint")
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
