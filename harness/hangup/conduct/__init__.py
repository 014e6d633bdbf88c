"""Conducting: scenarios played by real clients against the real peer, in a lab, with the packets watched.

``conductor`` plays one trial, step by step in ``stage``; ``observer`` watches the wire; ``peer`` is the line to the
peer; ``run`` plays a whole matrix, as ``plan`` lays it out, and ``rundir`` keeps what came of it.
"""
