"""Configuration files: the whole example of the documentation, a small one with ways to break it, one to run with."""

from collections.abc import Mapping
from textwrap import dedent
from typing import Any

from connector.config import Loaded, Problem, load_text
from connector.config.yaml_tree import lines_of

ENV = {"PERSONALIZE_TRACKING_ID": "tracker-1"}

EXAMPLE = """\
version: 1
kafka:
  bootstrap_servers: [localhost:9092]
  group_id: personalize-clicks
  auth: {type: none}              # none | plain | scram | oidc | msk_iam
  tls: {}                         # ca_file, cert_file, key_file, key_password
  auto_offset_reset: earliest     # earliest | latest
  librdkafka: {}                  # any other librdkafka property; ours are refused with the reason
personalize:
  region: eu-west-1
  tracking_id: {env: PERSONALIZE_TRACKING_ID}   # default; a rule may override it with a field spec
  endpoint_url: null
  assume_role: null               # {role_arn, external_id, session_name}
delivery:
  linger: 1s                      # how long an event may wait to be batched
  max_in_flight: 64               # calls at once
  requests_per_second: 1000       # ceiling of this process; the real rate adapts below it when throttled
  max_buffered_events: 20000      # past this, partitions pause
  request_timeout: 10s
  retry: {initial: 100ms, maximum: 20s}         # full jitter, for as long as it takes
  stop_after_rejections: 20
  commit_interval: 1s
  shutdown_timeout: 25s
dead_letter:
  topic: clicks.dead-letter
  connect_headers: false          # also write the __connect.errors.* headers that Kafka Connect tools read
server: {host: "*", port: 8080}                 # /metrics /livez /readyz
log: {level: info, format: json}                # json | text

pipelines:
  - name: segment
    topics: [segment.track]       # names, or a regular expression that starts with ^
    value: {format: json}         # json | avro | protobuf | json_schema (the last three with schema_registry)
    key: {format: string}         # string | json | bytes
    unmatched: skip               # skip | dead_letter
    rules:
      - name: product-viewed
        when: value.event == 'Product Viewed'
        put_events:
          sessionId: not_null(value.context.sessionId, value.anonymousId)
          userId: value.userId
          eventType: {const: View}
          eventId: value.messageId
          itemId: not_null(value.properties.product_id, value.properties.sku)
          eventValue: value.properties.price
          sentAt: value.timestamp
          properties: {category: value.properties.category}
      - name: order-completed
        when: value.event == 'Order Completed'
        for_each: value.properties.products       # one event an element
        put_events:
          sessionId: value.anonymousId
          userId: value.userId
          eventType: {const: Purchase}
          eventId: {template: "{{ value.messageId }}:{{ index }}"}
          itemId: item.product_id
          sentAt: value.timestamp
          properties: {quantity: item.quantity, currency: value.properties.currency}

tests:
  - name: a viewed product becomes a View
    pipeline: segment
    input: {value: {event: Product Viewed, anonymousId: a1, messageId: m1, timestamp: TIME, properties: PROPERTIES}}
    output:
      - {sessionId: a1, eventType: View, eventId: m1, itemId: s1, eventValue: 19.0, sentAt: 1795509011}
""".replace("TIME", '"2026-11-24T08:30:11Z"').replace("PROPERTIES", '{sku: s1, price: "19.00"}')

# Sections in the order below; `build` puts another text in the place of any of them.
SECTIONS = {
    "kafka": "kafka: {bootstrap_servers: broker:9092, group_id: clicks}",
    "personalize": "personalize: {tracking_id: tracker-1}",
    "delivery": "",
    "dead_letter": "dead_letter: {topic: clicks.dead}",
    "server": "",
    "log": "",
    "pipelines": """\
        pipelines:
          - name: web
            topics: [clicks]
            rules:
              - name: view
                put_events: {sessionId: value.session, eventType: {const: View}}""",
    "tests": "",
}


def build(**sections: str) -> str:
    """A small valid file, with other sections where they are given."""
    texts = SECTIONS | sections
    return "\n".join(dedent(text).strip("\n") for text in texts.values() if text) + "\n"


def loaded(text: str, env: Mapping[str, str] = ENV) -> Loaded:
    result = load_text(text, "file.yaml", env)
    assert isinstance(result, Loaded), result
    return result


def problems(text: str, env: Mapping[str, str] = ENV) -> list[Problem]:
    result = load_text(text, "file.yaml", env)
    assert isinstance(result, list), "expected problems, not a valid file"
    return result


def only(text: str, env: Mapping[str, str] = ENV) -> Problem:
    found = problems(text, env)
    assert len(found) == 1, found
    return found[0]


def judge_problems(found: list[Problem], text: str) -> None:
    """Problems that were found in a text point into it, and say something."""
    assert found, "neither a configuration nor a problem"
    lines = lines_of(text)
    for problem in found:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert 0 <= problem.caret <= len(problem.source_line)
        assert problem.length >= 1
        assert problem.message


# -- files to run with ----------------------------------------------------------------------------------------

QUICK = {"session.timeout.ms": 3000, "heartbeat.interval.ms": 100}  # of librdkafka
VIEW = {
    "name": "view",
    "put_events": {"sessionId": "value.session", "eventType": {"const": "View"}, "sentAt": {"const": 1700000000}},
}


def run_config(servers: str, url: str = "http://127.0.0.1:1", **sections: dict[str, Any]) -> dict[str, Any]:
    """What a connector on the mock cluster and the local endpoint is started with; ``sections`` replace members."""
    config: dict[str, Any] = {
        "kafka": {"bootstrap_servers": servers, "group_id": "readers", "librdkafka": dict(QUICK)},
        "personalize": {"tracking_id": "tracker-1", "endpoint_url": url},
        "delivery": {"linger": "50ms", "commit_interval": "100ms", "shutdown_timeout": "8s"},
        "dead_letter": {"topic": "clicks.dead"},
        "pipelines": [{"name": "web", "topics": ["clicks"], "rules": [VIEW]}],
    }
    for name, members in sections.items():
        config[name] = config.get(name, {}) | members
    return config
