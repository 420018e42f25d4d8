"""Files that are written whole or not at all, on real file systems."""

import errno
import os
import stat
import tempfile
from pathlib import Path

import pytest

from engine.files import written_whole


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "target.bin"
    path.write_bytes(b"before")
    return path


def write(path, content=b"after", **options):
    with written_whole(path, **options) as file:
        file.write(content)


def test_a_file_gets_its_name_when_it_is_whole(target):
    with written_whole(target) as file:
        file.write(b"after")
        assert target.read_bytes() == b"before"
        assert Path(file.name).parent == target.parent
    assert target.read_bytes() == b"after"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "no space"), KeyboardInterrupt(), ValueError("no")])
def test_an_error_leaves_what_was_there_and_nothing_else(target, error):
    with pytest.raises(type(error)), written_whole(target) as file:
        file.write(b"aft")
        raise error
    assert target.read_bytes() == b"before"
    assert list(target.parent.iterdir()) == [target]


def test_the_content_is_on_the_disk_before_it_has_its_name(target, monkeypatch):
    def fails(descriptor):
        assert os.fstat(descriptor).st_size == len(b"after")
        raise OSError(errno.EIO, "the disk is gone")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="the disk is gone"):
        write(target)
    assert target.read_bytes() == b"before"
    assert list(target.parent.iterdir()) == [target]


def test_the_folder_for_temporary_files_is_not_needed(target, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    write(target)
    assert target.read_bytes() == b"after"


def test_a_link_stays_a_link(tmp_path, target):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to(target)
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"after"


@pytest.mark.parametrize(("options", "expected"), [({}, 0o640), ({"mode": 0o600}, 0o600)])
def test_the_process_mask_applies(tmp_path, options, expected):
    before = os.umask(0o027)
    try:
        write(tmp_path / "new", **options)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == expected


def test_what_is_no_regular_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(OSError, match="no regular file"):
            write(path)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_long_name_leaves_room_for_the_temporary_one(tmp_path):
    write(tmp_path / ("ß" * 127))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "none" / "x")
