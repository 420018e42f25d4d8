"""From the database to claims with their uncertainty: reads the views, writes figures, a page and tidy files.

    tables.py          the views as data frames, one dataset at a time
    selection_rule.py  which configuration is best: a rule that sees validation alone
    commands.py        which command makes which study
    files.py           whole files or none; tables that spreadsheets may open
    wording.py         numbers and configurations in words
    statistics/        intervals, paired effects, rankings, curves, effects of a grid: tables in, tables out
    trials.py          replicates averaged, trials ranked
    studies.py         which runs of a study answer a question
    health.py          what the search itself looks like: edges, divergences, seed noise
    optimism.py        what was selected, against fresh seeds and against the frozen choice
    fidelity.py        whether small training sets rank candidates as larger ones do
    claims/            the report's claims as data, the evidence on each, and the verdicts that follow
    figures/           one file per figure: a table and a drawing
    report/            the page, as HTML and as Markdown
    export.py          tidy CSV and Parquet

Imports neither engine nor search: the documented views are the whole input. Inside, imports run one way:
tables → statistics → trials, studies → health, optimism, fidelity → claims and figures side by side → report.
"""
