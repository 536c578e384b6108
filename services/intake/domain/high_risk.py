"""Why somebody is on a site's list of patients at high risk. Codes only: a reason in words could name a person."""

from enum import StrEnum


class RiskReason(StrEnum):
    URGENT_CARE = "urgent-care"
    STEROIDS = "steroids"
    OPIOIDS = "opioids"
    SEVERE_SYMPTOMS = "severe-symptoms"
    HIGH_STOMA_OUTPUT = "high-stoma-output"
    MOOD = "mood"
    TREATMENT_CHANGE = "treatment-change"
    OTHER = "other"
