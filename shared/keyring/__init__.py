"""The key ring: one random key a patient, under a key of the site, under a root key. Without it words are noise.

Its database is infrastructure, as a key service would be, and no service of its own: intake, clinical and the
dashboard are given its address and a role each, feedback and analytics nothing.
"""

from shared.keyring.ring import KeyRing
from shared.keyring.settings import KeyRingSettings

__all__ = ["KeyRing", "KeyRingSettings"]
