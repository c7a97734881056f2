"""Who may say what, and who may have it: pure decisions over values, without clock, network or storage."""
