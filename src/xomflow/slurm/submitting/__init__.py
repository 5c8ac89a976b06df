"""Records of what was submitted, which runs share a job, and how jobs are found and cancelled."""
