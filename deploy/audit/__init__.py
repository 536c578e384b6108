"""The audit as its readers need it: is it whole, and what does it say of one patient."""
