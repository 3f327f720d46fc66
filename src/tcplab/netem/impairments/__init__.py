"""What can befall a packet: one small class for each impairment, none of which knows of the others.

Each has a stream of draws of its own, named by (seed, link, purpose), and looks only at the draw that belongs to the
place of the packet on its link: the n-th packet meets the n-th draw. So no knob shifts what another one does, neither
by being turned nor by having been off for a while, and nothing has to be drawn for what nobody asks about.

Each counts what it did, for :mod:`tcplab.netem.realised`; what it was asked is counted by the link, so that whoever is
spared costs nothing.
"""
