"""The five services. None imports another: they meet in `shared.events` only."""

SERVICES = ("intake", "clinical", "dashboard", "feedback", "analytics")
