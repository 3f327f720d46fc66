"""The lab service: what is set on the network, by whom, for how long, and what came of it, over HTTP."""
