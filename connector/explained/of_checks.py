"""What the findings of ``putevents check`` mean."""

from typing import Final

from connector.explained.page import Page

_READ: Final = "check.md"
_AWS: Final = "authentication.md"


def _page(code: str, means: str, do: str, see: str = _READ) -> Page:
    return Page(code, "check", means, do, see=see)


PAGES = (
    _page(
        "unresolved-name",
        "A host of kafka.bootstrap_servers has no address here.",
        "Correct the name, or make it known where the connector runs: DNS, /etc/hosts, hostAliases of the pod. A short "
        "name of a Kubernetes service is known only in its own namespace: write broker.namespace.svc.",
    ),
    _page(
        "unreachable-broker",
        "A bootstrap server does not accept connections: refused, no answer, or no way there.",
        "Refused: the port is wrong or the broker is down. No answer: a firewall, security group or network policy.",
    ),
    _page(
        "untrusted-certificate",
        "The broker's certificate is signed by an authority that is not trusted here, is for another name, or expired.",
        "Set kafka.tls.ca_file, use an address that the certificate has, or replace the certificate.",
        "authentication.md#tls-alone-and-certificates-mtls",
    ),
    _page(
        "no-tls",
        "There is a connection, but no TLS on it: mostly the port of a listener without TLS.",
        "Use the port of a listener that speaks TLS, or set kafka.tls.enabled: false.",
        "authentication.md#tls-alone-and-certificates-mtls",
    ),
    _page(
        "tls-expected",
        "The brokers' listener speaks TLS, and the configuration says that there is none: nothing is answered.",
        "Set kafka.tls.enabled: true, with kafka.tls.ca_file where the authority is your own, or use the port of a "
        "listener without TLS.",
        "authentication.md#tls-alone-and-certificates-mtls",
    ),
    _page(
        "expired-certificate",
        "The certificate that this client shows to the brokers has expired.",
        "Replace the files of kafka.tls.cert_file and key_file; a running connector notices new ones.",
        "authentication.md#tls-alone-and-certificates-mtls",
    ),
    _page(
        "certificate-expires",
        "A certificate, of a broker or of this client, expires within two weeks.",
        "Replace it before that: afterwards no new connection succeeds.",
    ),
    _page(
        "login-refused",
        "The brokers refuse this client: password, mechanism, token or certificate.",
        "Do what the finding says. With --wait the next try comes after half a minute, so that no account is locked.",
        _AWS,
    ),
    _page(
        "no-answer",
        "A broker accepts connections and does not answer, or the one that is asked is away.",
        "A listener for TLS or SASL keeps silent to a client that speaks neither: look at kafka.tls and kafka.auth. "
        "Else look at the brokers.",
    ),
    _page(
        "unresolved-advertised-name",
        "The brokers tell clients to connect to a name that has no address here, so all but the first connection fail.",
        "Correct advertised.listeners of the brokers, or make the name known here (DNS, /etc/hosts, hostAliases).",
        "troubleshooting.md",
    ),
    _page(
        "unreachable-advertised-address",
        "An address that the brokers advertise has no way from here, though kafka.bootstrap_servers has.",
        "Correct advertised.listeners, or open the way to every broker: the connector reads from each of them.",
        "troubleshooting.md",
    ),
    _page(
        "missing-topic",
        "A topic of the file does not exist.",
        "Create it, or correct its name in pipelines[].topics or dead_letter.topic.",
    ),
    _page(
        "topic-denied",
        "This principal may not describe, read or write a topic.",
        "Allow Read and Describe on the topics that are read, Write and Describe on the one of the dead letters.",
        _AWS,
    ),
    _page(
        "pattern-without-topic",
        "A pattern of pipelines[].topics matches no topic that this principal may describe.",
        "A pattern must match the whole name. A run starts, and waits for such a topic.",
        "mapping.md",
    ),
    _page(
        "no-leader",
        "Partitions of a topic have no leader, so nobody can read or write them.",
        "Bring the brokers back that have their replicas.",
    ),
    _page(
        "group-denied",
        "This principal may not join the consumer group.",
        "Allow Read on the group of kafka.group_id.",
        _AWS,
    ),
    _page(
        "group-protocol",
        "The group has members that share partitions in another way, so this connector cannot join them.",
        "Stop the other consumers, or give the connector a group of its own.",
        "upgrades.md",
    ),
    _page(
        "other-members",
        "The group has members with another client.id: they are not this connector, and take some of the partitions.",
        "Set a kafka.group_id of its own. A client.id in kafka.librdkafka counts as this connector's.",
    ),
    _page(
        "static-member",
        "A member of the group has the same group.instance.id.",
        "If that is the process that the new one replaces, all is well. Two at the same time stop each other.",
    ),
    _page(
        "no-offset",
        "Partitions have no committed offset, and kafka.auto_offset_reset is error.",
        "Set earliest or latest, or the offsets with kafka-consumer-groups.",
        "kafka",
    ),
    _page(
        "too-few-replicas",
        "The dead-letter topic has fewer in-sync replicas than it wants for a write.",
        "Bring the brokers back, or lower min.insync.replicas of the topic.",
    ),
    _page(
        "compacted-dead-letters",
        "The dead-letter topic is compacted: letters without a key are refused, those with the same key replaced.",
        "Set cleanup.policy=delete on it.",
        "operations.md",
    ),
    _page(
        "short-retention",
        "The dead-letter topic keeps letters for less than three days.",
        "Set retention.ms to the time that it takes to mend a mapping and to replay.",
        "operations.md",
    ),
    _page(
        "small-dead-letters",
        "A topic that is read takes larger messages than the dead-letter topic.",
        "Raise max.message.bytes of the dead-letter topic: of a record that does not fit, the letter is only a note.",
        "operations.md",
    ),
    _page(
        "registry-away",
        "The schema registry does not answer, or something else answers in its place.",
        "Look at schema_registry.url, at the network, and at schema_registry.tls.",
        "formats/registry.md",
    ),
    _page(
        "registry-refused",
        "The schema registry does not accept the login, or there is none.",
        "Look at schema_registry.auth, and what the finding says.",
        "formats/registry.md",
    ),
    _page(
        "registry-right",
        "The schema registry accepts the login and refuses a question for a schema that nobody has.",
        "Most registries answer that it does not exist. Allow this user to read the subjects of the topics.",
        "formats/registry.md",
    ),
    _page(
        "no-aws-credentials",
        "There are no AWS credentials, or no region.",
        "They come from the environment, a profile, a web identity, Pod Identity or instance metadata.",
        _AWS,
    ),
    _page(
        "aws-refused",
        "AWS refuses calls that are signed with these credentials.",
        "Do what the finding says: keys, session token, role, region, or permissions.",
        _AWS,
    ),
    _page(
        "aws-throttled",
        "Amazon Personalize answers, and throttles even a single call.",
        "Other producers of the dataset group use the quota up, or the account's limits are low.",
        "sizing.md",
    ),
    _page(
        "endpoint-away",
        "There is no answer from Amazon Personalize: no address, no connection, no TLS, or an error of the service.",
        "Look at region and personalize.endpoint_url, DNS, proxies, and the VPC endpoint for personalize-events.",
        "troubleshooting.md",
    ),
    _page(
        "clock-skew",
        "This machine's clock is a minute or more off; AWS takes no signature that is five minutes off.",
        "Set the clock, and let NTP or chrony keep it.",
    ),
    _page(
        "test-event-rejected",
        "PutEvents did not take the test event: the tracking id is wrong, or of another region or account.",
        "aws personalize list-event-trackers shows those that there are.",
    ),
    _page(
        "unknown-dataset",
        "A dataset that the file names does not exist for this account and region.",
        "Correct personalize.users_dataset_arn, items_dataset_arn or actions_dataset_arn, or a rule's datasetArn; "
        "aws personalize list-datasets shows those that there are.",
    ),
    _page(
        "wrong-dataset",
        "A dataset exists, and is of another type than the rule's action needs.",
        "put_users needs a Users dataset, put_items an Items dataset, put_actions an Actions dataset.",
    ),
    _page(
        "inactive-dataset",
        "A dataset exists and is not active: it is being created or deleted, or that has failed.",
        "Wait until it is active, or create it again; aws personalize describe-dataset says what it waits for.",
    ),
    _page(
        "over-rate",
        "The processes of the group may make more calls a second than the default quota of a dataset group.",
        "Set delivery.requests_per_second to the share of one process, or ask AWS for a higher quota.",
        "sizing.md",
    ),
    _page(
        "check-broken",
        "A check ended in an unexpected way, which is a bug of the connector.",
        "Report it with the type that the finding names. The other findings are good.",
    ),
)
