"""Submit runs, alone or in batches, and record what was submitted."""
