"""What a database says about the claims of its study files: StatedClaim → Evidence → Finding.

claim.py      a claim as a study file states it
forms/        what is tested, one form a file: keys, check, statistic, words
evidence.py   what all evidence consists of
judge.py      from evidence to a verdict, corrected for several claims
"""
