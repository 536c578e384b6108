"""The rig that tries to lose an event: faults, clients that write through them, and an auditor, each a process.

`schedule` says what goes wrong and when, `stories` what is written: both are made from a seed, before anything happens.
`environment` holds the doors and lets the faults happen, `workload` and `clients` write and keep a ledger of what they
were told, and `auditor` holds that ledger against everything that the services and Kafka have. The rig ends no process
that it did not start.
"""
