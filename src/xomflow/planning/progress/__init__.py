"""What is in progress over all ticks: claims, locks and submissions together, and what has ended meanwhile."""
