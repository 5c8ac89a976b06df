"""One variable: its level, its scatter, its tail, and the changes that its results show. Standard library only."""
