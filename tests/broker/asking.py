"""Asking the broker by means of pika itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import pika
from pika.adapters.blocking_connection import BlockingChannel

from tcplab.runtime.amqp import Broker


@contextmanager
def channel(broker: Broker) -> Iterator[BlockingChannel]:
    """Open a connection and a channel as a user."""
    credentials = pika.PlainCredentials(broker.user, broker.password)
    connection = pika.BlockingConnection(pika.ConnectionParameters(broker.host, broker.port, broker.vhost, credentials))
    try:
        yield connection.channel()
    finally:
        connection.close()
