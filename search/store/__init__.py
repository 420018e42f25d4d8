"""The database: one file that holds every study, its runs and their evaluations.

schema     tables and views            database   opening, versions, settings of SQLite
writing    what the coordinator does   reading    what everybody else asks
lock       one coordinator per study
"""
