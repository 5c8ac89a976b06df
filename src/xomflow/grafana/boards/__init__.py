"""The boards, one module for each kind."""
