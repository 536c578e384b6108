"""The keys of patients' words: where the key ring is, and rotation as its owner (docs/runbooks/keys.md)."""
