"""The lab service: sets what the network does, over HTTP."""
