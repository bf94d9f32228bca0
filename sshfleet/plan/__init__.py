"""The functional core: what is wanted + what was seen → what to decide and do.

Rule 1: pure; equal input gives an equal plan, whatever the order of mappings.
Rule 2: one judge of feasibility for new, placed and global units; every rule always answers.
Rule 3: a placement is kept while its rules hold; no move because a machine joined or got busier.
"""
