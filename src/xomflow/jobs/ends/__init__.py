"""How attempts end: the outcome or failure record that is made of what they left, and those that left nothing."""
