"""Names of the first XOM: its measurements, without their prefix."""

DATA = "xomdata"

list_of_db = [DATA, "xomtodo", "xomdone", "xomsubmitted", "xomtocheck"]
exec_period = 10
query_period = 100
