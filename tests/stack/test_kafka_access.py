"""Who may do what in Kafka, as the broker itself decides it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AclOperation, AdminClient, ResourceType
from confluent_kafka.cimpl import NewTopic

from contracts.errors import Misconfigured
from contracts.ids import new_id
from contracts.topics import EVENT_TOPICS, HEARTBEATS, LMS_TOPICS, RECOMMENDATIONS, TOPICS, USERS
from stack import kafka, kafka_access, principals
from stack.kafka import KafkaSettings
from stack.local.catalogue import COMPONENTS
from stack.local.kafka import itself
from stack.local.processes import PROCESSES
from stack.profile import REPOSITORY, Profile, profile

pytestmark = pytest.mark.integration

READ, WRITE, DESCRIBE = AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE
REFUSED = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}
GRANTED = pytest.mark.parametrize("principal", sorted(kafka_access.GRANTS))
EVERYBODY_ELSE = sorted(set(principals.PRINCIPALS) - {principals.OPERATOR} - {*kafka_access.GRANTS})


def admin_as(principal: str, **overrides: Any) -> AdminClient:
    return AdminClient({**KafkaSettings().client(principal), "log_level": 0, **overrides})


def declared(principal: str, topic: str) -> set[AclOperation]:
    found = {
        operation
        for grant in kafka_access.GRANTS[principal]
        if grant.kind is ResourceType.TOPIC and grant.name == topic
        for operation in grant.operations
    }
    return found | {DESCRIBE} if found else found


@GRANTED
def test_a_principal_may_do_with_each_topic_what_the_table_says_and_nothing_more(
    stack: Profile, principal: str
) -> None:
    client = admin_as(principal)
    asked = client.describe_topics(
        TopicCollection([topic.name for topic in TOPICS]), include_authorized_operations=True
    )
    found: dict[str, set[AclOperation]] = {}
    refused: list[int] = []
    for name, future in asked.items():
        try:
            found[name] = set(future.result(30).authorized_operations)
        except KafkaException as error:
            refused.append(error.args[0].code())
            found[name] = set()
    assert set(refused) <= REFUSED
    assert found == {topic.name: declared(principal, topic.name) for topic in TOPICS}


@GRANTED
def test_what_is_written_without_the_right_is_refused_by_the_broker(
    stack: Profile, principal: str
) -> None:
    forbidden = [topic.name for topic in TOPICS if WRITE not in declared(principal, topic.name)]
    refused: dict[str, int] = {}
    producer = kafka.producer(
        **KafkaSettings().client(principal), **{"enable.idempotence": False, "log_level": 0}
    )
    for name in forbidden:
        producer.produce(
            name,
            b"forged",
            on_delivery=lambda error, message: refused.update({message.topic(): error.code()}),
        )
    assert producer.flush(30) == 0
    assert refused == dict.fromkeys(forbidden, KafkaError.TOPIC_AUTHORIZATION_FAILED)


@GRANTED
def test_what_is_read_without_the_right_is_refused_by_the_broker(
    stack: Profile, principal: str
) -> None:
    groups = [one.name for one in kafka_access.GRANTS[principal] if one.kind is ResourceType.GROUP]
    settings = KafkaSettings().client(principal)
    for topic in TOPICS:
        may = declared(principal, topic.name)
        if READ in may:
            continue
        client = kafka.consumer((groups or ["none"])[0], **settings, log_level=0)
        if may:
            client.assign([TopicPartition(topic.name, 0, 0)])
            message = client.poll(30)
            error = message.error() if message is not None else None
        else:  # the broker does not even say where the topic is
            error = client.list_topics(topic.name, timeout=30).topics[topic.name].error
        client.close()
        assert error is not None, topic.name
        assert error.code() in REFUSED, topic.name


def test_only_the_relay_writes_what_the_lms_says_and_only_serving_what_was_offered() -> None:
    def writers(topic: str) -> set[str]:
        return {name for name in kafka_access.GRANTS if WRITE in declared(name, topic)}

    assert {topic.name for topic in EVENT_TOPICS if writers(topic.name) == {"relay"}} == {
        topic.name for topic in LMS_TOPICS
    }
    assert writers(RECOMMENDATIONS.name) == {"serving"}
    assert writers(HEARTBEATS.name) == {"relay"}


def test_nobody_but_the_operator_makes_topics_or_principals_or_rights(stack: Profile) -> None:
    for principal in kafka_access.GRANTS:
        client = admin_as(principal)
        [made] = client.create_topics([NewTopic(f"test-{new_id()}", 1, 1)]).values()
        with pytest.raises(KafkaException, match="TOPIC_AUTHORIZATION_FAILED"):
            made.result(30)
        [binding] = kafka_access.Grant(ResourceType.TOPIC, "lms.", (WRITE,), True).bindings(
            principal
        )
        [granted] = client.create_acls([binding]).values()
        with pytest.raises(KafkaException, match="CLUSTER_AUTHORIZATION_FAILED"):
            granted.result(30)


def test_a_group_or_a_transaction_of_another_principal_is_refused(stack: Profile) -> None:
    settings = KafkaSettings().client("serving")
    client = kafka.consumer("lms-inbox-certificates.issue", **settings, log_level=0)
    client.subscribe([USERS.name])
    message = client.poll(30)
    client.close()
    assert message is not None
    assert message.error() is not None
    assert message.error().code() == KafkaError.GROUP_AUTHORIZATION_FAILED
    stolen = {"transactional.id": f"learnstream-outbox-{new_id()}", "log_level": 0}
    with pytest.raises(KafkaException, match="TRANSACTIONAL_ID_AUTHORIZATION_FAILED"):
        kafka.producer(**settings, **stolen).init_transactions(30)


@pytest.mark.parametrize(
    "login",
    [
        {"security.protocol": "PLAINTEXT"},
        {"sasl.password": "guessed"},
        {"sasl.username": "nobody"},
        {"sasl.mechanism": "PLAIN"},
        *({"sasl.username": name} for name in EVERYBODY_ELSE),
    ],
    ids=str,
)
def test_whoever_is_not_known_does_not_even_connect(stack: Profile, login: dict[str, str]) -> None:
    if "sasl.username" in login and login["sasl.username"] in EVERYBODY_ELSE:
        login = {**login, "sasl.password": principals.password(login["sasl.username"])}
    with pytest.raises(KafkaException):
        admin_as(principals.OPERATOR, **login).list_topics(timeout=2)


def test_the_controllers_port_answers_nobody_without_a_login(stack: Profile) -> None:
    port = COMPONENTS["kafka"].ports()[1]
    for protocol in ("PLAINTEXT", "SASL_PLAINTEXT"):
        login = {"bootstrap.servers": f"127.0.0.1:{port}", "security.protocol": protocol}
        login |= {"sasl.mechanism": "PLAIN", "sasl.username": "operator", "sasl.password": "x"}
        with pytest.raises(KafkaException):
            admin_as(principals.OPERATOR, **login).list_topics(timeout=2)


@pytest.fixture
def surplus(stack: Profile) -> Iterator[str]:
    """A right that nobody declared, given by hand."""
    [binding] = kafka_access.Grant(ResourceType.TOPIC, TOPICS[0].name, (WRITE,)).bindings("monitor")
    client = kafka.admin()
    [granted] = client.create_acls([binding]).values()
    granted.result(30)
    yield "monitor"
    kafka_access.ensure()


def test_setup_takes_away_what_the_table_does_not_say(surplus: str) -> None:
    kafka_access.ensure()
    # The broker hears of it a moment after its controller.
    for _ in range(50):
        asked = TopicCollection([TOPICS[0].name])
        client = admin_as(surplus)
        [found] = client.describe_topics(asked, include_authorized_operations=True).values()
        if set(found.result(30).authorized_operations) == {DESCRIBE}:
            return
    pytest.fail("monitor may still write what only the relay writes")


def test_a_password_that_was_changed_is_taken_over_by_setup(
    stack: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_SECRET_PRINCIPAL_READER", "another one")
    with pytest.raises(KafkaException):
        admin_as("reader").list_topics(timeout=1)
    kafka_access.ensure(itself(), renew=True)
    assert admin_as("reader").list_topics(timeout=30).topics
    monkeypatch.undo()
    kafka_access.ensure(itself(), renew=True)
    assert admin_as("reader").list_topics(timeout=30).topics


def test_every_process_has_a_principal_of_its_own_name() -> None:
    assert {process.name for process in PROCESSES} <= set(principals.PRINCIPALS)
    for process in PROCESSES:
        assert process.launch().env["LMS_PRINCIPAL"] == process.name


def test_explicit_settings_win_over_the_principal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_KAFKA_SASL_USERNAME", "someone")
    monkeypatch.setenv("LMS_KAFKA_SASL_PASSWORD", "from elsewhere")
    assert KafkaSettings().login("relay") == ("someone", "from elsewhere")
    monkeypatch.setenv("LMS_KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    assert not {name for name in KafkaSettings().client() if name.startswith("sasl")}


def test_a_password_that_a_configuration_file_would_cut_is_refused() -> None:
    with pytest.raises(Misconfigured):
        kafka.quoted('half" required')


def test_nobody_else_may_read_what_holds_the_brokers_password(stack: Profile) -> None:
    holding = [
        path
        for folder in (COMPONENTS["kafka"].conf, profile().run / "secrets")
        for path in folder.rglob("*")
        if path.is_file() and principals.password("kafka") in path.read_text(errors="ignore")
    ]
    assert holding
    assert {oct(path.stat().st_mode & 0o777) for path in holding} == {"0o600"}


def test_a_topic_is_read_as_text_by_somebody_who_may_not_write_it(stack: Profile) -> None:
    made, key = f'{{"said": "{new_id()}\x1b[31m"}}', new_id()
    producer = kafka.producer()
    producer.produce(EVENT_TOPICS[0].name, made, key)
    assert producer.flush(30) == 0
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "stack.cli", "kafka", EVENT_TOPICS[0].name, "-n", "1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    [line] = done.stdout.splitlines()
    assert key in line
    assert json.dumps(made)[1:-1].replace("\\u001b", "\\x1b").replace('\\"', '"') in line
    assert "\x1b" not in line
