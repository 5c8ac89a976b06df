"""All results of a version of an analysis: read from the outcomes, judged run by run, and what is kept of that."""
