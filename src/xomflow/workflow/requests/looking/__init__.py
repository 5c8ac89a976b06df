"""Looking at a site: what stands where and why, now and at an earlier time, and what it costs. All of it only reads.

Each module answers one question with typed rows; `xomflow.cli` prints them as a table or as JSON.
"""
