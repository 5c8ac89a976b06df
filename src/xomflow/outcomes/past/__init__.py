"""What outcomes show about what is done: what made them, how long they took, the newest successes."""
