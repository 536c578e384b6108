"""What all tables of intake belong to, and those that every such service has."""

from shared.tables import add_audit, add_erasure, add_outbox, add_sessions, new_metadata

metadata = new_metadata()
add_audit(metadata)
add_outbox(metadata)
add_erasure(metadata)
add_sessions(metadata)
