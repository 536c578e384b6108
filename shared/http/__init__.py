"""The HTTP door that all services share: application factory, problems, sign-in, batches and commands."""
