"""Conducting: scenarios played by real clients against the real peer, in a lab, with the packets watched.

``trial`` plays one; ``observer`` watches the wire; ``peer`` is the line to the peer; ``run`` plays a whole matrix.
"""
