"""What the two roles of each service may do in its database: all of it, and in whose hands it is.

The migrations grant it step by step; this is what the steps must come to. A change here is a change of what a
stolen password can do.
"""

from typing import NamedTuple


class May(NamedTuple):
    """What each role may do with a thing, in the words of GRANT."""

    app: str = ""
    worker: str = ""


EVERYWHERE = {
    "schema public": May(app="USAGE", worker="USAGE"),
    "audit": May(app="SELECT, INSERT", worker="SELECT, INSERT"),
    "audit_number": May(app="USAGE", worker="USAGE"),
    "audit_chain": May(worker="SELECT, INSERT"),
    "notary_cursor": May(worker="SELECT, UPDATE (xid, lines)"),
}
PUBLISHING = {
    "outbox": May(
        app="SELECT (site_id, xid, position, recorded_at, event_id, topic, key, sequence), INSERT", worker="SELECT"
    ),
    "outbox_head": May(app="SELECT, INSERT, UPDATE (sequence)", worker="SELECT"),
    "outbox_position": May(app="USAGE"),
    "outbox_add": May(app="EXECUTE"),
    "relay_cursor": May(app="SELECT", worker="SELECT, UPDATE (xid, position)"),
    "idempotency": May(app="SELECT, INSERT"),
}
READING = {
    "delivery": May(app="SELECT", worker="SELECT, INSERT"),
    "dead_letter": May(worker="SELECT, INSERT, DELETE, UPDATE (state, reason, sequence)"),
    "consumer_head": May(worker="SELECT, INSERT, UPDATE (sequence)"),
    "consumer_offset": May(worker="SELECT, INSERT, UPDATE (next_offset, last_event_id)"),
}
# Erasing takes a patient's rows away; what stays is a tombstone.
ERASED = {"erasure": May(app="SELECT", worker="SELECT, INSERT")}
ENROLLED = {"patient": May(app="SELECT", worker="SELECT, INSERT, DELETE, UPDATE (sequence)")}
TAKEN = "SELECT (site_id, patient_id), DELETE"
SIGNED_IN_TO = {
    "session": May(app="SELECT, INSERT, UPDATE (seen_at), DELETE"),
    "ended_subject": May(app="SELECT", worker="SELECT, INSERT"),
    "spent_token": May(app="SELECT, INSERT, DELETE"),
}

GRANTS: dict[str, dict[str, May]] = {
    "intake": EVERYWHERE
    | PUBLISHING
    | SIGNED_IN_TO
    # The worker finishes erasures that the door began, and publishes them.
    | {
        "outbox": May(app=PUBLISHING["outbox"].app, worker="SELECT, INSERT"),
        "outbox_head": May(app="SELECT, INSERT, UPDATE (sequence)", worker="SELECT, INSERT, UPDATE (sequence)"),
        "outbox_position": May(app="USAGE", worker="USAGE"),
        "outbox_add": May(app="EXECUTE", worker="EXECUTE"),
        "erasure": May(app="SELECT, INSERT", worker="SELECT, INSERT"),
        "link_rule": May(app="SELECT, INSERT, UPDATE (asks_birth_year)"),
        # It also makes the links that it sends.
        "visit_link": May(
            app="SELECT, INSERT, DELETE, UPDATE (revoked_at, opened_at, wrong_answers)", worker="SELECT, INSERT, DELETE"
        ),
        "contact": May(
            app="SELECT, INSERT, DELETE, UPDATE (addresses, has_email, has_phone, preferred, language, wants_messages, "
            "changed_at)",
            worker="SELECT, DELETE",
        ),
        "delivery_rule": May(
            app="SELECT, INSERT, UPDATE (is_on, days_before, send_at, reminders, quiet_begins, quiet_ends, channels, "
            "sender_name, changed_at)",
            worker="SELECT",
        ),
        "delivery_plan": May(app=TAKEN, worker="SELECT, INSERT, DELETE, UPDATE (basis)"),
        "link_delivery": May(
            app="SELECT, INSERT, DELETE",
            worker="SELECT, INSERT, DELETE, UPDATE (due_at, held_until, state, reason, channel, link_id, attempts, "
            "repeats, ended_at)",
        ),
        "client": May(app="SELECT, INSERT, UPDATE (key_set, added_at, revoked_at)"),
        "form_definition": May(app="SELECT, INSERT, UPDATE (retired_at, retired_by, activated_at, activated_by)"),
        "import_file": May(
            app="SELECT, INSERT, DELETE, UPDATE (stage, described, moved_at, rows, parts, next_part, accepted, "
            "unchanged, refused)"
        ),
        "import_part": May(app="SELECT, INSERT, DELETE"),
        "import_refusal": May(app="SELECT, INSERT, DELETE"),
        "import_tried": May(app="SELECT, INSERT, DELETE"),
        "import_known": May(app="SELECT, INSERT, DELETE", worker=TAKEN),
        "consent_text": May(app="SELECT, INSERT"),
        "consent_step": May(app="SELECT, INSERT, DELETE", worker=TAKEN),
        "site": May(
            app="SELECT, INSERT, UPDATE (name, site_type, time_zone, shows_clinical_to_coordinators)",
            worker="SELECT (site_id, name, time_zone)",
        ),
        "patient": May(
            app="SELECT, INSERT, DELETE, UPDATE (consent, consent_decided_on, consent_reason)", worker="SELECT, DELETE"
        ),
        "visit": May(
            app="SELECT, INSERT, DELETE, UPDATE (clinician_id, scheduled_at, state, checked_in_at, completed_at, "
            "told_at, cancel_reason, cancelled_by)",
            worker="SELECT (site_id, patient_id, visit_id, scheduled_at, state), DELETE",
        ),
        "survey": May(
            app="SELECT, INSERT, DELETE, UPDATE (version, change, change_reason, mode, author, recorded_at, form, "
            "submitted_at, response, words, scores)",
            worker="SELECT (site_id, patient_id, visit_id, change), DELETE",
        ),
        "survey_version": May(app="SELECT, INSERT, DELETE", worker=TAKEN),
        "survey_draft": May(
            app="SELECT, INSERT, DELETE, UPDATE (form, language, part, answers, skipped, words, entered_by, "
            "entered_at, started_at, saved_at, sent_at)",
            worker=TAKEN,
        ),
        "survey_rule": May(app="SELECT, INSERT, UPDATE (care_line, left_out, forms)"),
        "visit_name": May(app="SELECT, INSERT, DELETE", worker=TAKEN),
        "alert_rule": May(app="SELECT, INSERT"),
        "alert": May(
            app="SELECT, INSERT, DELETE, UPDATE (state, owner, version, outcome, closed_at, waits_since, escalates_at, "
            "escalation, told_level, told_at)",
            worker="SELECT, DELETE, UPDATE (escalates_at, escalation, told_level, told_at)",
        ),
        "alert_notice_rule": May(
            app="SELECT, INSERT, UPDATE (addresses, language, quiet_minutes, changed_at)",
            worker="SELECT, UPDATE (told_at)",
        ),
        "alert_notice": May(
            app="SELECT", worker="SELECT, INSERT, UPDATE (held_until, state, reason, attempts, repeats, ended_at)"
        ),
        "alert_step": May(app="SELECT, INSERT, DELETE", worker=f"INSERT, {TAKEN}"),
        "high_risk": May(
            app="SELECT, INSERT, DELETE, UPDATE (risk, call_due_on, flagged_by, flagged_at, ended_by, ended_at)",
            worker=TAKEN,
        ),
        "huddle": May(app="SELECT, INSERT, UPDATE (list_manager, next_at)"),
    },
    "clinical": EVERYWHERE
    | PUBLISHING
    | READING
    | ENROLLED
    | ERASED
    | {
        "assessment": May(app="SELECT, INSERT, UPDATE (visit_id, clinician_id, activity, assessed_at)", worker=TAKEN),
        "lab": May(
            app="SELECT, INSERT, UPDATE (loinc, value, unit, comparator, reference_low, reference_high, method, "
            "taken_at, reported)",
            worker=TAKEN,
        ),
        "medication": May(
            app="SELECT, INSERT, UPDATE (name, drug_class, rxcui, dose, route, started_on, stopped_on, stop_reason)",
            worker=TAKEN,
        ),
        "plan_step": May(
            app="SELECT (site_id, step_id, patient_id, visit_id, who, due_on, is_done, done_on, agreed_at, event_id), "
            "INSERT, UPDATE (visit_id, what, who, due_on, is_done, done_on, agreed_at, event_id)",
            worker=TAKEN,
        ),
        "entered_in_error": May(app="SELECT, INSERT", worker=TAKEN),
    },
    "dashboard": EVERYWHERE
    | PUBLISHING
    | READING
    | SIGNED_IN_TO
    | {
        "patient_page": May(app="SELECT", worker="SELECT, INSERT, UPDATE (facts, page, version)"),
        "site": May(
            app="SELECT",
            worker="SELECT, INSERT, UPDATE (name, time_zone, sequence, shows_clinical_to_coordinators, care_line)",
        ),
        # The worker closes looks that fell silent, whoever looked, and publishes that.
        "view": May(
            app="SELECT, INSERT, UPDATE (duration_ms, panels, closed_by, heard_at)",
            worker="SELECT (site_id, view_id, patient_id, visit_id, role, context, is_shared_screen, opened_at, "
            "duration_ms, panels, closed_by, heard_at), UPDATE (closed_by)",
        ),
        "outbox": May(app=PUBLISHING["outbox"].app, worker="SELECT, INSERT"),
        "outbox_head": May(app="SELECT, INSERT, UPDATE (sequence)", worker="SELECT, INSERT, UPDATE (sequence)"),
        "outbox_position": May(app="USAGE", worker="USAGE"),
        "outbox_add": May(app="EXECUTE", worker="EXECUTE"),
        "broken_glass": May(app="SELECT, INSERT, UPDATE (ended_at, ended_by, reviewed_at, reviewed_by)"),
        # The worker ends the sessions of an EHR that is revoked, whoever holds them.
        "session": May(app=SIGNED_IN_TO["session"].app, worker="SELECT (provider_session), DELETE"),
        "glass_try": May(app="SELECT, INSERT"),
        "ehr": May(
            app="SELECT",
            worker="SELECT, INSERT, UPDATE (issuer, key_set, fhir_server, client_id, origins, added_at, revoked_at)",
        ),
        "link_code": May(app="SELECT, INSERT, UPDATE (code_hash, agreed, made_by, made_at, expires_at, used_at)"),
        "link_try": May(app="SELECT, INSERT"),
        "linked_patient": May(
            app="SELECT, INSERT, UPDATE (ended_at, ended_by)",
            worker="SELECT (site_id, patient_id, other_site, other_patient_id, ended_at, ended_by), "
            "UPDATE (other_patient_id, ended_at, ended_by)",
        ),
    },
    "feedback": EVERYWHERE
    | PUBLISHING
    | READING
    | SIGNED_IN_TO
    | ENROLLED
    | ERASED
    | {
        "invitation": May(
            app="SELECT",
            worker="SELECT, INSERT, DELETE, UPDATE (visit_sequence, visit_state, visit_at, survey_sequence, survey_id, "
            "submitted_at)",
        ),
        "feedback": May(app="SELECT (site_id, visit_id), INSERT", worker=TAKEN),
    },
    "analytics": EVERYWHERE
    | READING
    | {
        "session": SIGNED_IN_TO["session"],
        "ended_subject": SIGNED_IN_TO["ended_subject"],
        "dead_letter": May(
            app="SELECT (site_id, state)",
            worker="SELECT, INSERT, DELETE, UPDATE (state, reason, sequence)",
        ),
        "erasure": May(worker="SELECT, INSERT"),
        "site": May(app="SELECT", worker="SELECT, INSERT, UPDATE (name, site_type, sequence)"),
        "enrolment": May(
            app="SELECT",
            worker="SELECT, INSERT, DELETE, UPDATE (enrolled_on, birth_year, sex, education, language, diagnosis, "
            "clinician, consent, sequence)",
        ),
        "visit": May(
            app="SELECT",
            worker="SELECT, INSERT, DELETE, UPDATE (person, clinician, scheduled_at, state, completed_at, sequence)",
        ),
        "survey": May(
            app="SELECT",
            worker="SELECT, INSERT, DELETE, UPDATE (visit, person, submitted_at, answered, skipped, sequence, counts)",
        ),
        "clinical_fact": May(worker="SELECT, INSERT, DELETE, UPDATE (person, kind, effective_at, sequence, counts)"),
        "view": May(
            app="SELECT",
            worker="SELECT, INSERT, DELETE, UPDATE (visit, person, role, context, is_shared_screen, opened_at, "
            "duration_ms, sequence)",
        ),
        "feedback": May(
            app="SELECT",
            worker="SELECT, INSERT, DELETE, UPDATE (visit, person, received_at, effort_to_understand, "
            "effort_to_listen, effort_to_include, helped_discussion, helped_what_matters, helped_decisions, "
            "used_in_visit, used_outside_visit, used_over_one_month, sequence)",
        ),
    },
}
