"""The processes that run a script: how they start, what surrounds them, what memory they have."""
