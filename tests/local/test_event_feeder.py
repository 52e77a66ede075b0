"""Queue, stream and schedule events are delivered to the functions that AWS would call, and no more often."""

import threading

import pytest
from botocore.stub import Stubber
from chalice import Chalice, Rate

from scripts.local import stream_events
from scripts.local.aws import client
from scripts.local.events import IDLE_SECONDS, LONGEST_IDLE_SECONDS, SCHEDULE_SECONDS, EventFeeder
from scripts.local.schedule_calls import call_schedules
from scripts.local.stream_events import StreamFeed

WITHIN_SECONDS = 2


class Received(list):
    """The events that a function received; `fail_times`: how many of its next calls raise an error."""

    fail_times = 0

    def receive(self, event):
        self.append(event.to_dict())
        if self.fail_times:
            self.fail_times -= 1
            raise RuntimeError("this call\nfails")


@pytest.fixture
def start_feeder(aws):
    """Delivers the events of an app until the test ends."""
    feeders = []

    def start(app, **settings):
        feeder = EventFeeder(app, new_client=lambda name: client(name, aws.endpoint_url), **settings)
        feeders.append(feeder)
        feeder.start()
        return feeder

    yield start
    for feeder in feeders:
        feeder.stop()


@pytest.fixture
def queue_url(aws, request):
    attributes = {"VisibilityTimeout": "60"}
    return aws.client("sqs").create_queue(QueueName=f"q-{request.node.name[:60]}", Attributes=attributes)["QueueUrl"]


@pytest.fixture
def table(aws, request):
    """A table with a stream: its name and the stream's ARN."""
    description = aws.client("dynamodb").create_table(
        TableName=f"t-{request.node.name[:60]}",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    return description["TableName"], description["LatestStreamArn"]


def put_item(aws, table, key, **attributes):
    aws.client("dynamodb").put_item(TableName=table[0], Item={"pk": {"S": key}, **attributes})


def record_keys(event):
    return [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]]


def app_with_queue(queue_url, received, batch_size=1):
    app = Chalice(app_name="queues")
    app.on_sqs_message(queue=queue_url.rsplit("/", 1)[1], batch_size=batch_size, name="work")(received.receive)
    return app


def app_with_stream(table, received, batch_size=100):
    app = Chalice(app_name="streams")
    app.on_dynamodb_record(stream_arn=table[1], batch_size=batch_size, name="totals")(received.receive)
    return app


def count_messages(aws, queue_url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = aws.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    return sum(int(count) for count in counts.values())


def test_no_source_is_read_later_than_within_two_seconds():
    """The longest pause between two reads; what a machine takes to deliver an event comes on top."""
    assert IDLE_SECONDS < LONGEST_IDLE_SECONDS < WITHIN_SECONDS
    assert SCHEDULE_SECONDS <= WITHIN_SECONDS


def test_a_message_is_delivered_as_by_lambda_and_then_deleted(aws, queue_url, start_feeder, eventually):
    received = Received()
    start_feeder(app_with_queue(queue_url, received))

    kind = {"kind": {"DataType": "String", "StringValue": "catchup"}}
    aws.client("sqs").send_message(QueueUrl=queue_url, MessageBody="hello", MessageAttributes=kind)

    eventually(lambda: received)
    eventually(lambda: count_messages(aws, queue_url) == 0)
    (record,) = received[0]["Records"]
    assert (record["body"], record["eventSource"]) == ("hello", "aws:sqs")
    assert record["eventSourceARN"].endswith(queue_url.rsplit("/", 1)[1])
    assert record["messageAttributes"]["kind"]["stringValue"] == "catchup"
    assert record["receiptHandle"]
    assert record["messageId"]
    assert record["attributes"]["ApproximateReceiveCount"] == "1"


def test_a_message_whose_function_raised_is_delivered_again(aws, queue_url, start_feeder, eventually, capfd):
    received = Received()
    received.fail_times = 1
    start_feeder(app_with_queue(queue_url, received))

    aws.client("sqs").send_message(QueueUrl=queue_url, MessageBody="again")

    eventually(lambda: len(received) == 2)
    eventually(lambda: count_messages(aws, queue_url) == 0)
    assert "work raised RuntimeError: this call fails" in capfd.readouterr().err


def test_a_batch_is_never_larger_than_the_batch_size_of_the_function(aws, queue_url, start_feeder, eventually):
    received = Received()
    for number in range(7):
        aws.client("sqs").send_message(QueueUrl=queue_url, MessageBody=str(number))

    start_feeder(app_with_queue(queue_url, received, batch_size=3))

    eventually(lambda: count_messages(aws, queue_url) == 0)
    assert max(len(event["Records"]) for event in received) <= 3
    bodies = [record["body"] for event in received for record in event["Records"]]
    assert sorted(bodies) == [str(number) for number in range(7)]


def test_a_queue_that_is_created_later_is_found(aws, start_feeder, eventually):
    received = Received()
    app = Chalice(app_name="late")
    app.on_sqs_message(queue_arn="arn:aws:sqs:us-east-1:000000000000:made-later", name="late")(received.receive)
    start_feeder(app)

    url = aws.client("sqs").create_queue(QueueName="made-later")["QueueUrl"]
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="x")

    eventually(lambda: received)


def test_changes_are_delivered_in_order_including_earlier_ones(aws, table, start_feeder, eventually):
    received = Received()
    put_item(aws, table, "before", count={"N": "3"}, data={"B": b"\x00\xff"})

    start_feeder(app_with_stream(table, received, batch_size=2))
    for number in range(5):
        put_item(aws, table, f"k{number}")

    eventually(lambda: sum(len(event["Records"]) for event in received) == 6)
    assert [key for event in received for key in record_keys(event)] == ["before", "k0", "k1", "k2", "k3", "k4"]
    assert max(len(event["Records"]) for event in received) <= 2
    first = received[0]["Records"][0]
    assert (first["eventName"], first["eventSource"], first["eventSourceARN"]) == ("INSERT", "aws:dynamodb", table[1])
    assert first["dynamodb"]["NewImage"] == {"pk": {"S": "before"}, "count": {"N": "3"}, "data": {"B": "AP8="}}
    assert isinstance(first["dynamodb"]["ApproximateCreationDateTime"], float)


def test_a_failed_batch_is_delivered_again_before_later_records(aws, table, start_feeder, eventually):
    received = Received()
    received.fail_times = 2
    put_item(aws, table, "a")
    start_feeder(app_with_stream(table, received))

    eventually(lambda: len(received) == 3)
    put_item(aws, table, "b")
    eventually(lambda: len(received) == 4)

    assert [record_keys(event) for event in received] == [["a"], ["a"], ["a"], ["b"]]


def test_only_the_record_that_always_fails_is_skipped_and_it_is_logged(
    aws, table, start_feeder, eventually, monkeypatch, capfd
):
    monkeypatch.setattr(stream_events, "ATTEMPTS", 2)
    delivered = []

    def totals(event):
        batch = record_keys(event.to_dict())
        if "bad" in batch:
            raise ValueError("cannot")
        delivered.extend(batch)

    app = Chalice(app_name="streams")
    app.on_dynamodb_record(stream_arn=table[1], name="totals")(totals)
    for key in ("a", "bad", "b", "c"):
        put_item(aws, table, key)

    start_feeder(app)

    eventually(lambda: len(delivered) == 3)
    assert delivered == ["a", "b", "c"]
    assert 'totals SKIPPED a record after 2 attempts: {"pk": {"S": "bad"}}' in capfd.readouterr().err


def test_delivery_resumes_where_the_previous_feeder_stopped(aws, table, start_feeder, eventually, tmp_path):
    first, second = Received(), Received()
    put_item(aws, table, "a")
    feeder = start_feeder(app_with_stream(table, first), positions=tmp_path)
    eventually(lambda: first)
    feeder.stop()

    put_item(aws, table, "b")
    start_feeder(app_with_stream(table, second), positions=tmp_path)

    eventually(lambda: second)
    assert [record_keys(event) for event in second] == [["b"]]


def test_stopping_delivers_the_remaining_records_of_the_stream(aws, table, start_feeder, eventually):
    received = Received()
    feeder = start_feeder(app_with_stream(table, received, batch_size=1))
    for number in range(5):
        put_item(aws, table, str(number))

    feeder.stop()

    assert [key for event in received for key in record_keys(event)] == ["0", "1", "2", "3", "4"]


def test_a_schedule_keeps_running_after_its_function_raised(start_feeder, eventually, monkeypatch):
    received = Received()
    received.fail_times = 1
    app = Chalice(app_name="schedules")
    app.schedule(Rate(1, unit=Rate.HOURS), name="sweep")(received.receive)
    monkeypatch.setenv("LOCAL_SCHEDULE_SECONDS", "0.1")

    start_feeder(app)

    eventually(lambda: len(received) >= 3)
    assert (received[0]["source"], received[0]["detail-type"]) == ("aws.events", "Scheduled Event")


def test_schedules_are_called_before_their_time_when_asked(start_feeder, eventually, monkeypatch, tmp_path):
    received = Received()
    app = Chalice(app_name="schedules")
    app.schedule(Rate(1, unit=Rate.HOURS), name="sweep")(received.receive)
    monkeypatch.setenv("LOCAL_SCHEDULE_SECONDS", "100000")
    start_feeder(app, positions=tmp_path / "positions")

    for calls in (1, 2):
        call_schedules(tmp_path)
        eventually(lambda calls=calls: len(received) == calls)


def test_a_function_never_runs_twice_at_the_same_time(aws, queue_url, start_feeder, eventually):
    running, received = threading.Semaphore(1), Received()

    def work(event):
        assert running.acquire(blocking=False)
        received.append(event)
        running.release()

    app = Chalice(app_name="queues")
    app.on_sqs_message(queue=queue_url.rsplit("/", 1)[1], name="work")(work)
    for number in range(5):
        aws.client("sqs").send_message(QueueUrl=queue_url, MessageBody=str(number))

    start_feeder(app)

    eventually(lambda: count_messages(aws, queue_url) == 0)
    assert len(received) == 5


def test_a_shard_that_began_when_another_ended_is_read_and_shards_are_listed_only_then():
    """The emulator never ends a shard, so AWS's responses are given here."""
    streams, arn = client("dynamodbstreams", "http://127.0.0.1:9"), "arn:aws:dynamodb:us-east-1:0:table/t/stream/2026"
    parent, child = {"ShardId": "shardId-00000000000000000000-1"}, {"ShardId": "shardId-00000000000000000000-2"}
    child |= {"ParentShardId": parent["ShardId"]}

    def respond_with_shards(*shards):
        stubber.add_response("describe_stream", {"StreamDescription": {"Shards": list(shards)}}, {"StreamArn": arn})

    def respond_with_iterator(shard, iterator):
        expected = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        stubber.add_response("get_shard_iterator", {"ShardIterator": iterator}, expected)

    def respond_with_records(iterator, following, *numbers):
        records = [
            {"eventID": n, "eventName": "INSERT", "awsRegion": "eu", "dynamodb": {"SequenceNumber": n}} for n in numbers
        ]
        answer = {"Records": records} | ({"NextShardIterator": following} if following else {})
        stubber.add_response("get_records", answer, {"ShardIterator": iterator, "Limit": 100})

    received = []
    with Stubber(streams) as stubber:
        feed = StreamFeed("counter", arn, 100, received.append, lambda name: streams, None)
        respond_with_shards(parent)
        respond_with_iterator(parent, "iterator-1")
        respond_with_records("iterator-1", "iterator-2", "1" * 21)
        respond_with_records("iterator-2", "iterator-3")
        respond_with_records("iterator-3", None, "2" * 21)
        respond_with_shards(parent, child)
        respond_with_iterator(child, "iterator-4")
        respond_with_records("iterator-4", "iterator-5", "3" * 21)
        respond_with_records("iterator-5", "iterator-6")
        assert [feed.step() for _ in range(5)] == [True, False, True, True, False]
        stubber.assert_no_pending_responses()
    feed.close()

    numbers = [record["dynamodb"]["SequenceNumber"][0] for event in received for record in event["Records"]]
    assert numbers == ["1", "2", "3"]
