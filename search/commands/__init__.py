"""The commands of `digitsweep`, by what they do; `search.cli` puts them together.

studies   run, confirm                      models   reproduce, train-best, predict
reading   status, select, figures, report, export, dashboard, data
"""
