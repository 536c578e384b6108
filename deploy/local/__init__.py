"""PostgreSQL and a Kafka broker on this machine, without Docker and without a server to install.

Guarantee: everything lives under `var/` of the checkout and listens on 127.0.0.1 only; `Stack.down` leaves no process
behind, and nothing is ever killed that this package did not start.
"""
