"""Which of the ready runs a tick takes, and in which order: pure decisions."""
