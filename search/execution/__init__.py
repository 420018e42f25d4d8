"""How a study is run: one coordinator, which owns the plan and the database, and workers that only train.

coordinator   runs a study                        plan         what is left to train, from the driver's proposals
trials        trials and runs, as they stand      populations  which runs train together
workers       where training happens              saving       what is written when, checkpoints
interrupts    signals that end a study            progress     what a person sees meanwhile
environment   the code and machine of a run       result       what came of a study
dry_run       the plan and how long it takes      speed        what one update costs here and now
"""
