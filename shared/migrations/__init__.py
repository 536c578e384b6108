"""Alembic for all services: one environment, and the tables that every service has, as steps that never change."""
