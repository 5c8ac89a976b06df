"""The way over from the first XOM: its configuration, and the results that it published."""
