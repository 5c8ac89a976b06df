"""The stores that results are published to, what they all can do, and the form of their lines."""
