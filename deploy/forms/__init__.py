"""Anybody's forms and answers, checked from the command line."""
