"""The last step of a tick: publish, write the summary, renew page and boards; closing lines and exit code."""
