"""How alerts leave and enter: one file a transport, each speaking the few words of `base`."""
