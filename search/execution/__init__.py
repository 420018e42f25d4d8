"""How a study is run: one coordinator, which owns the plan and the database, and workers that only train.

coordinator   runs a study                        trials       its picture of trials and runs
workers       where training happens              populations  which runs train together
progress      what a person sees meanwhile        environment  the code and machine that made a run
dry_run       the plan and how long it takes      speed        what one update costs here and now
"""
