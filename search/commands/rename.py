"""`digitsweep rename`: another name for a study."""

from search.commands.common import agreed, say
from search.commands.options import Database, NewName, StudyName, Yes


def rename(study: StudyName, name: NewName, db: Database = "runs.sqlite", yes: Yes = False) -> None:
    """Give a study, and its confirmation, another name in the database; on a terminal you are asked first."""
    from search.store import keeping, reading
    from search.store.database import open_for_writing

    sql = open_for_writing(db, create=False)
    try:
        with sql.connect() as connection:
            row = reading.find_study(connection, study)
        if not agreed(f"Rename {row['name']} to {name}{row['name'].removeprefix(row['base_name'])}?", yes=yes):
            say("Nothing was renamed.")
            return
        for old, new in keeping.rename_study(sql, db, row, name).items():
            say(f"{old} is now {new}.")
        say(f"To go on with it, write `study: {name}` in its file.")
    finally:
        sql.dispose()
