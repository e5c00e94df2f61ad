"""Commands of operators, and what only they use: the doctor, purging, consistency."""
