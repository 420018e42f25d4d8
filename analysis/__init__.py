"""From the database to claims with their uncertainty: reads the views, writes figures, a page and tidy files.

    tables.py       the views as data frames, one dataset at a time
    selection.py    which configuration is best: a rule that sees validation alone
    commands.py     which command makes which study
    statistics.py   intervals, paired effects, multiplicity, convergence: tables in, tables out
    factorial.py    exact main effects and interactions of a balanced grid
    tuning.py       expected best against number of trials, importance of hyperparameters
    evidence.py     what the data say about a claim; linear_evidence.py and mlp_evidence.py: about each of the report's
    claims.py       the claims as data, and the verdicts that follow
    health.py       what the search itself looks like: edges, divergences, seed noise
    figures/        one file per figure: a table and a drawing
    report/         the page, as HTML and as Markdown
    export.py       tidy CSV and Parquet

Imports neither engine nor search: the documented views are the whole input.
"""
