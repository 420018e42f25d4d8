"""What `--db` may say: every character of a path, the home folder, URLs; and what it may not."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from sqlalchemy import select

from search import run_study
from search.store.connections import _patiently
from search.store.database import open_for_reading, open_for_writing
from search.store.location import DatabaseUnusableError, locate
from search.store.schema import studies
from tests.search.helpers import make_spec, query
from tests.search.store.old import make_old

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "name",
    [
        "a?b.sqlite",
        "a%20b.sqlite",
        "a#b.sqlite",
        "a b.sqlite",
        "{x}.sqlite",
        "a&mode=ro.sqlite",
        "ü'\".sqlite",
        "file:x",
    ],
)
def test_a_path_means_its_characters(tmp_path, tiny, name):
    database = str(tmp_path / name)
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert query(database, "SELECT COUNT(*) FROM v_runs") == [(6,)]
    storage = optuna.storages.RDBStorage(locate(database).url.render_as_string())
    assert optuna.get_all_study_names(storage) == ["tiny-grid@tiny"]
    storage.remove_session()
    storage.engine.dispose()


def test_the_home_folder_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    open_for_writing("~/runs.sqlite").dispose()
    assert [file.name for file in tmp_path.iterdir()] == ["runs.sqlite"]


@pytest.mark.parametrize(
    "name",
    ["", ":memory:", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///x.sqlite?mode=ro", "sqlite:///file:x",
     "mysql://", "mysql://localhost/x", "redis://", "postgres://localhost/x", "://", "nothing://x", "sqlite+aio:///x",
     "postgresql://localhost:1/x", "postgresql+nothing://localhost/x", "no/such/folder/x.sqlite", "a\0b", "x" * 300,
     "sqlite://folder/x.sqlite", "sqlite://me@x/y", "SQLITE:///x.sqlite", "file:///x.sqlite", "http://h/x",
     "~nobody-of-this-name/x", "/dev/null", "/dev/null/x", "."],
)  # fmt: skip
def test_what_names_no_database_is_one_message_and_leaves_nothing(tmp_path, monkeypatch, tiny, name):
    monkeypatch.chdir(tmp_path)
    for action in (open_for_reading, open_for_writing, lambda d: run_study(make_spec(), tiny, database=d, n_jobs=1)):
        with pytest.raises(DatabaseUnusableError) as raised:
            action(name)
        assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name",
    ["mysql://me:secret@localhost/x", "postgresql+nothing://me:secret@localhost/x", "postgresql://me:secret@h:port/x",
     "postgresql+asyncpg://me:se@cret/secret@localhost:1/x", "redis://h/x?user=me&password=secret&ssl=1",
     "postgresql+psycopg2://me:secret@localhost:1/x"],
)  # fmt: skip
def test_a_password_is_not_shown(name):
    with pytest.raises(DatabaseUnusableError) as raised:
        open_for_reading(name)
    assert "localhost" in str(raised.value) or "h:port" in str(raised.value) or "ssl=1" in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(("driver", "package"), [("psycopg", "'psycopg[binary]'"), ("pg8000", "'pg8000'")])
def test_a_missing_driver_is_named_with_what_installs_it(monkeypatch, driver, package):
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(DatabaseUnusableError) as raised:
        open_for_reading(f"postgresql+{driver}://me:secret@localhost:1/x")
    assert str(raised.value).endswith(f"pip install {package}")


@pytest.mark.parametrize(
    "content", [b"hello", b"PK\3\4" * 1000, b"SQLite format 3\0", b"SQLite format 3\0" + b"x" * 5000]
)
def test_a_file_that_is_no_database_is_one_message_and_untouched(tmp_path, tiny, content):
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    for action in (open_for_reading, open_for_writing, lambda d: run_study(make_spec(), tiny, database=d, n_jobs=1)):
        with pytest.raises(DatabaseUnusableError, match="cannot be used as a database"):
            action(str(file))
        assert file.read_bytes() == content
        assert [f.name for f in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("opener", [open_for_reading, open_for_writing])
def test_damaged_pages_are_one_message(database, tiny, opener):
    run_study(make_spec(replicates=4), tiny, database=database, n_jobs=2)
    with closing(sqlite3.connect(database)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'evaluations'").fetchone()[0]
    with Path(database).open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(4096))
    sql = opener(database)
    with sql.connect() as connection, pytest.raises(DatabaseUnusableError, match="malformed"):
        connection.exec_driver_sql("SELECT * FROM evaluations").all()
    sql.dispose()


@pytest.mark.parametrize("opener", [open_for_reading, open_for_writing])
@pytest.mark.parametrize(
    ("damage", "says"), [("""'{"epochs'""", "Unterminated string"), ("CAST(x'22ff22' AS TEXT)", "decode")]
)
def test_damaged_values_are_one_message(database, tiny, opener, damage, says):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(f"UPDATE sweep_studies SET spec = {damage}")
    sql = opener(database)
    with sql.connect() as connection, pytest.raises(DatabaseUnusableError, match=says):
        connection.execute(select(studies.c.spec)).all()
    sql.dispose()


# As root every file can be written: such commands run without capabilities.
UNPRIVILEGED = ["setpriv", "--bounding-set=-all"] if os.geteuid() == 0 else []
needs_setpriv = pytest.mark.skipif(bool(UNPRIVILEGED) and not shutil.which("setpriv"), reason="root without setpriv")


def digitsweep(*arguments, cwd):
    return subprocess.run(
        [*UNPRIVILEGED, sys.executable, "-m", "search.cli", *arguments],
        cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@needs_setpriv
@pytest.mark.parametrize("what", ["folder", *(pytest.param(what, marks=pytest.mark.slow) for what in ("file", "old"))])
def test_read_only_media_can_be_read(tmp_path, tiny, what):
    folder = tmp_path / "media"
    folder.mkdir()
    database = folder / "runs.sqlite"
    made = str(tmp_path / "made.sqlite") if what == "old" else str(database)
    run_study(make_spec(), tiny, database=made, n_jobs=1)
    if what == "old":
        make_old(database, 1, made)
    content = database.read_bytes()
    database.chmod(0o444)
    folder.chmod(0o755 if what == "file" else 0o555)
    try:
        status = digitsweep("status", "--db", str(database), cwd=tmp_path)
        assert (status.returncode, status.stderr) == (0, "")
        assert "tiny-grid@tiny" in status.stdout
        export = digitsweep("export", "--db", str(database), "--out", "out", cwd=tmp_path)
        assert (export.returncode, export.stderr) == (0, "")
        assert len((tmp_path / "out" / "runs.csv").read_text().splitlines()) == 7
        select = digitsweep("select", "tiny-grid", "--db", str(database), cwd=tmp_path)
        assert select.returncode == 2
        assert "status, report, figures and export do work" in select.stderr
        assert database.read_bytes() == content
        assert [file.name for file in folder.iterdir()] == ["runs.sqlite"]
    finally:
        folder.chmod(0o755)


def test_reading_leaves_nothing_beside_the_file(tmp_path, database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    before = Path(database).read_bytes()
    assert query(database, "SELECT COUNT(*) FROM v_runs") == [(6,)]
    assert Path(database).read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["runs.sqlite"]


def test_writing_waits_for_another_program_and_says_so(database, tiny, monkeypatch):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    monkeypatch.setattr("search.store.connections._BUSY_MILLISECONDS", 10)
    said = []
    with closing(sqlite3.connect(database, isolation_level=None)) as other:

        def let_go(message):
            said.append(message)
            other.execute("ROLLBACK")

        sql = open_for_writing(database, notify=let_go)
        other.execute("BEGIN IMMEDIATE")
        with sql.begin() as connection:
            connection.exec_driver_sql("UPDATE sweep_studies SET question = 'later'")
        sql.dispose()
    assert said == [f"another program is writing {database}; waiting for it"]
    assert query(database, "SELECT question FROM v_studies") == [("later",)]


def test_what_is_not_a_lock_is_not_waited_for():
    with pytest.raises(sqlite3.OperationalError, match="no such table"), closing(sqlite3.connect(":memory:")) as memory:
        _patiently(lambda: memory.execute("SELECT * FROM absent"), locate("x"), lambda message: None)
