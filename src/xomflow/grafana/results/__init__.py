"""The panel with the results of one variable: what it asks, and how it is drawn."""
