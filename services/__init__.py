"""The five services. None imports another: they meet in `shared.events` only."""
