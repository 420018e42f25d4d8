"""The database: one file that holds every study, its runs and their evaluations.

location    what --db names                 database       opening it, to read or to write
schema      tables and views                connections    SQLite as this project wants it; server: PostgreSQL
migrations  from each version to the next   creation       making, finishing, migrating, under a lock
ownership   whose tables are in a file      lock           locks beside the database
writing     what the coordinator does       reading        what everybody else asks
mirror      our trials among Optuna's,      optuna_tables  Optuna's own tables
            in mirrored, mirror_rows and    distributions  of a study's axes there
            mirror_interface            keeping        studies deleted and renamed
                                        recovery        a database deleted while it was open
"""
