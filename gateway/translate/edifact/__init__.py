"""
UN/EDIFACT: SANCRT for certificates, CONTRL, APERAK and CUSRES for what is answered to them.

Read in this order: ``tables`` (what a segment may hold, where it may stand), ``characters``, ``syntax``,
``decoding``, ``segments``, ``structure``, ``examine`` (octets to messages, with every fault and its place),
``maps`` (which element of ours stands where), ``writing``, ``reading``, ``contrl``, ``dialect``. All of it is
pure; segment tables, maps and code lists are files under ``mappings/edifact``.
"""
