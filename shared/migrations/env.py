"""Alembic's environment: the caller gives an open connection and the service's tables."""

from alembic import context

_PARTITIONS = ("outbox_2", "outbox_default")

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes["metadata"],
    include_name=lambda name, kind, _parents: not (kind == "table" and (name or "").startswith(_PARTITIONS)),
)
with context.begin_transaction():
    context.run_migrations()
