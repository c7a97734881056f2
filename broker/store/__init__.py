"""The engines behind the ports: Redis or Valkey, and a twin in memory for tests and one-process trials."""
