"""Keys of sites and patients, the tombstones, and what each service may do with them."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE site_key (
    site_id text NOT NULL,
    generation integer NOT NULL,
    root_id text NOT NULL,
    wrapped bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_site_key PRIMARY KEY (site_id, generation)
);
COMMENT ON COLUMN site_key.root_id IS 'The root key that it is wrapped by';
CREATE TABLE patient_key (
    site_id text NOT NULL,
    patient_id uuid NOT NULL,
    generation integer,
    wrapped bytea,
    made_at timestamptz NOT NULL DEFAULT now(),
    erased_at timestamptz,
    reason text,
    CONSTRAINT pk_patient_key PRIMARY KEY (site_id, patient_id),
    CONSTRAINT fk_patient_key_site_key FOREIGN KEY (site_id, generation) REFERENCES site_key (site_id, generation),
    CONSTRAINT ck_patient_key_key_or_tombstone
        CHECK (num_nonnulls(generation, wrapped) IN (0, 2) AND num_nonnulls(erased_at, reason) IN (0, 2)
            AND (wrapped IS NULL) = (erased_at IS NOT NULL))
);
COMMENT ON COLUMN patient_key.generation IS 'Of the site''s key that it is wrapped by; null when erased';
COMMENT ON COLUMN patient_key.wrapped IS 'Null when erased';
COMMENT ON COLUMN patient_key.reason IS 'Why it was erased';
CREATE INDEX ix_patient_key_generation ON patient_key (site_id, generation)
"""

_A_TOMBSTONE_STAYS = """
CREATE FUNCTION a_tombstone_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a tombstone stays';
END $$
"""

_TRIGGER = """
CREATE TRIGGER a_tombstone_stays BEFORE UPDATE OR DELETE ON patient_key
FOR EACH ROW WHEN (OLD.erased_at IS NOT NULL) EXECUTE FUNCTION a_tombstone_stays()
"""

# Intake erases, clinical seals and opens, the dashboard opens. Rotation is the owner's.
_GRANTS = (
    "GRANT SELECT ON site_key, patient_key TO keyring_intake, keyring_clinical, keyring_dashboard",
    "GRANT INSERT ON site_key, patient_key TO keyring_intake, keyring_clinical",
    "GRANT UPDATE (generation, wrapped, erased_at, reason) ON patient_key TO keyring_intake",
)


def upgrade() -> None:
    for statement in (*_TABLES.split(";\n"), _A_TOMBSTONE_STAYS, _TRIGGER, *_GRANTS):
        op.execute(statement)
