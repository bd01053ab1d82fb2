"""From the configuration to what each part is given: the one place that knows both."""

from collections.abc import Callable, Iterable
from zlib import crc32

from connector import __version__
from connector.aws.credentials import Account, Role
from connector.beginnings import OLD, Beginnings
from connector.config import Config, Loaded
from connector.config.client_properties import base_properties, for_consumer, for_producer, seconds_of
from connector.config.formats import uses_registry
from connector.core.mapping.durations import format_duration
from connector.core.mapping.specs import Const, PipelineSpec
from connector.core.mapping.topics import Topics
from connector.core.mapping.transform import Router
from connector.core.operations import OPERATIONS, PUT_EVENTS, Operation, short_name
from connector.core.records import Record
from connector.core.sending.backpressure import Bounds
from connector.core.sending.destination import Limits
from connector.core.sending.flood import Limit
from connector.holding import FloodSettings, Holding
from connector.kafka.clients import ClientFactory
from connector.kafka.dead_letters import KafkaDeadLetters
from connector.kafka.source import KafkaSource
from connector.loop import Settings
from connector.metrics import Metrics
from connector.ports import Environment
from connector.registry.opening import open_registry
from connector.registry.schemas import Registry
from connector.status import Facts

MAX_OPEN_BYTES = 64 * 1024 * 1024  # keys, values and headers of records in memory


def facts_of(loaded: Loaded, endpoint: str, started: float) -> Facts:
    """What the page shows of the configuration."""
    config = loaded.config
    return Facts(
        __version__,
        loaded.hash,
        config.kafka.group_id,
        tuple(topics_of(config)),
        endpoint,
        config.dead_letter.topic,
        started,
        config.delivery.requests_per_second,
        config.delivery.max_in_flight,
        config.delivery.max_buffered_events,
        tuple((operation.name, rate) for operation, rate in rates_of(config).items()),
    )


def setup_of(loaded: Loaded, region: str) -> dict[str, object]:
    """What a run does, for the log at its start: names and numbers of the file, and no secret."""
    config = loaded.config
    delivery, flood, registry = config.delivery, config.dead_letter.flood, config.schema_registry
    held = f"{flood.action} at {flood.share * 100:g}% of the last {flood.of_last}"
    return {
        "version": __version__,
        "config": loaded.hash,
        "pipelines": [_in_words(pipeline) for pipeline in config.pipelines],
        "without_offset": config.kafka.auto_offset_reset,
        **_targets(config),
        "region": region,
        "calls_a_second": f"{_paces(config)}, up to {delivery.max_in_flight} in flight",
        "linger": format_duration(delivery.linger),
        "dead_letters": config.dead_letter.topic,
        "flood": "off" if flood.action == "off" else held,
        "schema_registry": "none" if registry is None else registry.type,
    }


def _in_words(pipeline: PipelineSpec) -> str:
    count, late = len(pipeline.rules), pipeline.late or "skip"
    rules = f"{pipeline.name} ({count} {'rule' if count == 1 else 'rules'}"
    return f"{rules})" if pipeline.max_age is None else f"{rules}, {late} after {format_duration(pipeline.max_age)})"


def _paces(config: Config) -> str:
    """The rate of each operation; without its name where there is only PutEvents."""
    rates = rates_of(config)
    if rates.keys() <= {PUT_EVENTS}:
        return f"{config.delivery.requests_per_second:g}"
    return ", ".join(f"{operation.action} {rate:g}" for operation, rate in rates.items())


def _targets(config: Config) -> dict[str, list[str]]:
    """Tracking ids and, where they are used, datasets, as the file names them."""
    used = operations_of(config.pipelines)
    of_datasets = [each.setting for each in used if each.target == "datasetArn"]
    tracking_ids = {"tracking_ids": _named(config, "trackingId", ["tracking_id"])}
    return tracking_ids | ({"datasets": _named(config, "datasetArn", of_datasets)} if of_datasets else {})


def _named(config: Config, member: str, settings: Iterable[str]) -> list[str]:
    """Targets as the file names them: what a variable or a file holds is not told."""
    puts = [rule.put for pipeline in config.pipelines for rule in pipeline.rules if rule.put is not None]
    mapped = [each for put in puts if (each := getattr(put, member, None)) is not None]
    own = [config.personalize.shown(setting) for setting in settings]
    own += [str(each.const) for each in mapped if isinstance(each, Const)]
    some = any(not isinstance(each, Const) for each in mapped)
    return [*dict.fromkeys(short_name(each) for each in own if each), *(["mapped from records"] if some else [])]


def replacing_topics(config: Config) -> Callable[[str], bool]:
    """Whether all that a topic's records make is users, items or actions."""
    topics = Topics(config.pipelines, config.dead_letter.topic)
    replacing = [_replaces(pipeline) for pipeline in config.pipelines]
    known: dict[str, bool] = {}

    def replaces(topic: str) -> bool:
        if topic not in known:
            owner = topics.owner(topic)
            known[topic] = owner is not None and replacing[owner]
        return known[topic]

    return replaces


def _replaces(pipeline: PipelineSpec) -> bool:
    used = operations_of([pipeline])
    return bool(used) and all(operation.identity is not None for operation in used)


def loop_settings(loaded: Loaded) -> Settings:
    """Limits and intervals of the loop."""
    config = loaded.config
    delivery = config.delivery
    interval = seconds_of(config.kafka.librdkafka, "max.poll.interval.ms")
    return Settings(
        limits=Limits(
            delivery.linger,
            delivery.requests_per_second,
            delivery.retry.initial,
            delivery.retry.maximum,
            delivery.stop_after_rejections,
            loaded.targets,
            delivery.rates.model_dump(),
        ),
        max_in_flight=delivery.max_in_flight,
        bounds=Bounds(delivery.max_buffered_events, MAX_OPEN_BYTES, delivery.max_buffered_events),
        commit_interval=delivery.commit_interval,
        revoke_budget=min(10.0, interval / 5),
        replaces=replacing_topics(config),
    )


def holding_of(config: Config, router: Router) -> Holding:
    """What holds a pipeline whose records turn invalid."""
    flood = config.dead_letter.flood
    if flood.action == "off":
        return Holding()
    limit = Limit(flood.share, flood.of_last)

    def fingerprint(pipeline: str) -> str:
        """Of all that decides whether a pipeline's records flood; what else is mended shows in the records at hand."""
        [spec] = [each for each in config.pipelines if each.name == pipeline]
        return f"{crc32(repr((__version__, limit, spec)).encode()):08x}"

    return Holding(FloodSettings(limit, flood.action), router.owner, router.changed, fingerprint)


def beginnings_of(config: Config) -> Beginnings:
    """What warns of old data, where a pipeline does not leave it out."""
    topics = Topics(config.pipelines, config.dead_letter.topic)

    def bounded(topic: str) -> bool:
        owner = topics.owner(topic)
        limit = None if owner is None else config.pipelines[owner].max_age
        return limit is not None and limit <= OLD

    return Beginnings(bounded)


def account_of(config: Config) -> Account:
    """Where to call PutEvents, and as whom."""
    personalize = config.personalize
    role = personalize.assume_role
    return Account(
        personalize.region,
        personalize.endpoint_url,
        None if role is None else Role(role.role_arn, role.external_id, role.session_name),
    )


def kafka_source(config: Config, metrics: Metrics, clients: ClientFactory) -> KafkaSource:
    """The consumer."""
    kafka = config.kafka
    group = {"group.id": kafka.group_id, "auto.offset.reset": kafka.auto_offset_reset}
    return KafkaSource(
        {**for_consumer(base_properties(kafka)), **group},
        Topics(config.pipelines, config.dead_letter.topic),
        metrics,
        make_consumer=clients.consumer,
        make_asker=clients.asker,
        token_outage=clients.token_outage,
    )


def dead_letter_producer(
    config: Config,
    metrics: Metrics,
    clients: ClientFactory,
    as_source: Callable[[Record], Record] = lambda record: record,
) -> KafkaDeadLetters:
    """The producer of dead letters; ``as_source`` gives the source record of one that is read."""
    return KafkaDeadLetters(
        for_producer(base_properties(config.kafka)),
        config.dead_letter.topic,
        connect_headers=config.dead_letter.connect_headers,
        group_id=config.kafka.group_id,
        metrics=metrics,
        make_producer=clients.producer,
        as_source=as_source,
    )


def schema_registry(config: Config, metrics: Metrics, environment: Environment) -> Registry | None:
    """The registry, not started; None where no pipeline needs one.

    Raises:
        NotConfigured: there is no AWS region, there are no credentials, or the certificates cannot be read any more.
    """
    if config.schema_registry is None or not uses_registry(config.pipelines):
        return None
    return open_registry(config.schema_registry, metrics, environment)


def operations_of(pipelines: Iterable[PipelineSpec]) -> list[Operation]:
    """The operations that rules use, in the order of the service's list."""
    rules = [rule for pipeline in pipelines for rule in pipeline.rules]
    return [each for each in OPERATIONS if any(rule.operation is each for rule in rules)]


def rates_of(config: Config) -> dict[Operation, float]:
    """Calls a second at most of each operation that rules use, to each tracking id or dataset."""
    rates = {PUT_EVENTS.action: config.delivery.requests_per_second, **config.delivery.rates.model_dump()}
    return {each: rates[each.action] for each in operations_of(config.pipelines)}


def topics_of(config: Config) -> list[str]:
    """The topics of all pipelines; those that start with ^ are patterns."""
    return [topic for pipeline in config.pipelines for topic in pipeline.topics]
