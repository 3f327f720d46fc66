"""The network between the hosts: delay, loss and worse, as a node."""
