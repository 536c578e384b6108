"""How the system is set up and run. Deploy may import everything; nothing imports deploy."""
