"""How people and tests steer the sandboxes: what goes wrong, what time it is, what the processors do of themselves."""
