"""The end of a tick: publish, write the summary, renew page and boards, print how it went, set the exit code."""
