"""Which subscriptions want an alert."""
