"""`digitsweep delete`: a study out of the database."""

from engine.errors import DigitsweepError
from search.commands.common import agreed, say
from search.commands.options import Database, StudyName, Yes
from search.wording import count


def delete(study: StudyName, db: Database = "runs.sqlite", yes: Yes = False) -> None:
    """Delete a study with its trials, runs and confirmation, for good; on a terminal you are asked first."""
    from search.store import keeping, reading
    from search.store.database import open_for_writing
    from search.store.location import locate

    sql = open_for_writing(db, create=False)
    try:
        with sql.connect() as connection:
            found = reading.find_study(connection, study)
            members = keeping.family(connection, found)
            n_runs = sum(len(reading.study_runs(connection, row["study_id"])) for row in members)
        if yes and study != found["name"]:  # a short name, typed again, would mean the same study on other data
            raise DigitsweepError(f"--yes asks nothing and so takes a study's whole name alone, here {found['name']}")
        names = [row["name"] for row in members]
        what = f"{' and its confirmation '.join(names)}, {count(n_runs, 'run')} in {locate(db).name}"
        if agreed(f"Delete {what}, for good?", yes=yes):
            keeping.delete_studies(sql, db, names)
            say(f"Deleted: {what}.")
        else:
            say("Nothing was deleted.")
    finally:
        sql.dispose()
