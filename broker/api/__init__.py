"""The HTTP side: routes by resource, one place that turns errors into answers."""
