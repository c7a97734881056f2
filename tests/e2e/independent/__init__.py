"""A client of the hub by a stranger: written from the wire contract and the RFCs alone, nothing of ours imported."""
