"""The report's claims, and what a database says about each: Tables → Evidence → Finding.

catalogue.py   the claims as data, in the report's order
linear.py      evidence on its linear models (section 2.4)
mlp.py         evidence on its perceptrons (section 3.4)
evidence.py    what all evidence consists of
judge.py       from evidence to a verdict, corrected for several claims
"""
