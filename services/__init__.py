"""The five services. None imports another: they meet in `shared.events` only."""

SERVICES = ("intake", "clinical", "dashboard", "feedback", "analytics")
# Of each service's database: who owns it, who serves its HTTP door, who serves its Kafka door.
ROLES = ("owner", "app", "worker")
# Those that seal or open patients' words: each has a role of its own in the key ring's database.
READ_WORDS = ("intake", "clinical", "dashboard")
