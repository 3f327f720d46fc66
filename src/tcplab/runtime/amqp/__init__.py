"""RabbitMQ as a port. Nothing else in the lab knows pika.

A host leases its address by connecting the port; then there can be a host, and a driver for it::

    end = HostEnd("10.0.1.0/24")
    port = AmqpPort(Broker.from_url("amqp://client:client@rabbitmq/tcplab"), end, clock=clock, name="client")
    await port.connect(tell)
    driver = Driver("client", Host(end.address, app), port, observers, clock=clock)
"""

from tcplab.runtime.amqp.broker import Broker
from tcplab.runtime.amqp.bulletin import Batch, Bulletin, Feed
from tcplab.runtime.amqp.ends import HostEnd, NetworkEnd
from tcplab.runtime.amqp.port import AmqpPort
from tcplab.runtime.amqp.standing import AmqpLimits

__all__ = ["AmqpLimits", "AmqpPort", "Batch", "Broker", "Bulletin", "Feed", "HostEnd", "NetworkEnd"]
