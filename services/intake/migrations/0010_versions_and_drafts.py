"""Surveys have versions, and drafts before they are sent; a site says whom to call and what it does not ask."""

from alembic import op

from shared.migrations import erasure_v1
from shared.migrations import walls_v1 as walls

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_VERSIONS = """
ALTER TABLE survey
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN change text NOT NULL DEFAULT 'completed',
    ADD COLUMN change_reason text,
    ADD COLUMN mode text NOT NULL DEFAULT 'self',
    ADD COLUMN author text NOT NULL DEFAULT '',
    ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT '-infinity';
UPDATE survey SET recorded_at = submitted_at;
ALTER TABLE survey
    ALTER COLUMN version DROP DEFAULT,
    ALTER COLUMN change DROP DEFAULT,
    ALTER COLUMN mode DROP DEFAULT,
    ALTER COLUMN author DROP DEFAULT,
    ALTER COLUMN recorded_at DROP DEFAULT;
COMMENT ON COLUMN survey.change_reason IS 'Why there is another version, as a code';
COMMENT ON COLUMN survey.author IS 'The subject who wrote it';
DROP INDEX uq_survey_visit;
CREATE UNIQUE INDEX uq_survey_visit ON survey (site_id, visit_id) WHERE change <> 'entered-in-error';
CREATE TABLE survey_version (LIKE survey INCLUDING COMMENTS);
ALTER TABLE survey_version
    ADD CONSTRAINT pk_survey_version PRIMARY KEY (site_id, survey_id, version),
    ADD CONSTRAINT fk_survey_version_survey FOREIGN KEY (site_id, survey_id) REFERENCES survey (site_id, survey_id)
"""
_TABLES = """
CREATE TABLE survey_draft (
    site_id text NOT NULL,
    visit_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    form text NOT NULL,
    language text NOT NULL,
    part smallint NOT NULL,
    answers jsonb NOT NULL,
    skipped jsonb NOT NULL,
    words jsonb NOT NULL,
    started_at timestamptz NOT NULL,
    saved_at timestamptz NOT NULL,
    sent_at timestamptz,
    CONSTRAINT pk_survey_draft PRIMARY KEY (site_id, visit_id),
    CONSTRAINT fk_survey_draft_visit FOREIGN KEY (site_id, visit_id) REFERENCES visit (site_id, visit_id)
);
COMMENT ON COLUMN survey_draft.form IS 'Pinned when the patient began';
COMMENT ON COLUMN survey_draft.part IS 'How far the patient has come';
COMMENT ON COLUMN survey_draft.answers IS 'In codes, by item';
COMMENT ON COLUMN survey_draft.skipped IS 'Reasons, by item';
COMMENT ON COLUMN survey_draft.words IS 'Texts, each sealed for its item of this record';
COMMENT ON COLUMN survey_draft.sent_at IS 'When it became a survey: nothing is in it since';
CREATE TABLE survey_rule (
    site_id text NOT NULL,
    care_line text,
    left_out text[] NOT NULL,
    CONSTRAINT pk_survey_rule PRIMARY KEY (site_id),
    CONSTRAINT fk_survey_rule_site FOREIGN KEY (site_id) REFERENCES site (site_id)
);
COMMENT ON COLUMN survey_rule.care_line IS 'The number that patients call, if the site gave one';
COMMENT ON COLUMN survey_rule.left_out IS 'Optional parts that the site does not ask'
"""
_CORRECTED = "version, change, change_reason, mode, author, recorded_at, form, submitted_at, response, words, scores"


def upgrade() -> None:
    with walls.down("survey"):
        for statement in _VERSIONS.split(";"):
            op.execute(statement)
    for statement in _TABLES.split(";"):
        op.execute(statement)
    op.execute("REVOKE SELECT (site_id, visit_id, patient_id) ON survey FROM samepage_app")
    walls.grant("survey", app=f"SELECT, UPDATE ({_CORRECTED})")
    walls.around("survey_version", app="SELECT, INSERT")
    erasure_v1.let_erased_go("survey_version", app="DELETE")
    saved = "UPDATE (language, part, answers, skipped, words, saved_at, sent_at)"
    walls.around("survey_draft", app=f"SELECT, INSERT, {saved}")
    erasure_v1.let_erased_go("survey_draft", app="DELETE")
    walls.around("survey_rule", app="SELECT, INSERT, UPDATE (care_line, left_out)")
