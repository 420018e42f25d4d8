"""The commands of `digitsweep`, one file each, with the table that it prints; `search.cli` puts them together.

new          a study file to begin with          schema      for editors
run          train what a study lacks            reproduce   a stored run again, compared
status       what the database holds             report      figures, and the page
select       freeze the best                     export      CSV and Parquet
confirm      the best again, fresh seeds         dashboard   Optuna's, on this machine alone
train_best   the selection as a model file       data        where data sets are found
predict      what a picture shows                decide      replicates until claims are settled
show         one study, trial or run             validate    a study file checked
delete       a study out of the database         rename      another name for a study

training   what run, confirm and decide share: how a study is trained, shown and ended
typed      the command as it was typed, to be given back
tables     tables that fit a terminal
common     terminals, options, data
"""
