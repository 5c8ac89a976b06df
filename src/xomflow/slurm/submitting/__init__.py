"""Submit runs, alone or in batches, and know what was submitted."""
