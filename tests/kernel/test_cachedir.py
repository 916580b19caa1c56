"""The cache directory is used only when nobody else can write there."""

from __future__ import annotations

import os

import pytest

from dscript.kernel import cachedir


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_created_for_the_user_alone(home):
    path = cachedir.cache_dir()
    assert path == home / "dscript"
    assert os.stat(path).st_mode & 0o777 == 0o700


def test_falls_back_to_the_home_directory(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cachedir.cache_dir() == tmp_path / ".cache" / "dscript"


def test_a_relative_xdg_cache_home_is_ignored(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cachedir.cache_dir() == tmp_path / ".cache" / "dscript"


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_refused_when_others_can_write(home, mode):
    (home / "dscript").mkdir()
    (home / "dscript").chmod(mode)
    assert cachedir.cache_dir() is None
    assert not cachedir.write("x", b"data")
    assert cachedir.read("x") is None


def test_refused_when_it_is_a_link(home, tmp_path_factory):
    (home / "dscript").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    assert cachedir.cache_dir() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a directory away")
def test_refused_when_it_belongs_to_someone_else(home):
    (home / "dscript").mkdir(mode=0o700)
    os.chown(home / "dscript", 65534, 65534)
    assert cachedir.cache_dir() is None


def test_no_cache_where_it_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    assert cachedir.cache_dir() is None


def test_files_are_private_and_replaced_whole(home):
    assert cachedir.write("x", b"one")
    assert cachedir.write("x", b"two")
    assert cachedir.read("x") == b"two"
    assert os.stat(home / "dscript" / "x").st_mode & 0o777 == 0o600
    assert os.listdir(home / "dscript") == ["x"]


def test_a_file_others_can_write_is_not_read(home):
    cachedir.write("x", b"one")
    (home / "dscript" / "x").chmod(0o666)
    assert cachedir.read("x") is None


def test_a_link_is_not_read(home):
    cachedir.write("x", b"one")
    (home / "dscript" / "y").symlink_to(home / "dscript" / "x")
    assert cachedir.read("y") is None
