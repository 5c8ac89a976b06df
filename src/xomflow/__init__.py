"""The workflow's library: what is ready, what is done, who works on it, and where everything lies."""
