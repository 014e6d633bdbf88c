"""A results folder is changed whole or not at all, wherever its process ends: the old files, or the new ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hangup.errors import StoreError
from hangup.interrupts import interruptible
from hangup.publication import NEW, PUBLISHED, Publication, finish

OLD = {
    "data/netns/python/socket.json": "old",
    "data/netns/python/removed.json": "old",
    "data/netns/kernel.json": "the same",
    "drawings/netns/stream/removed.json": "old",
    "MATRIX.md": "old",
    "NOTES.md": "a foreign file",
    "data/netns/notes.txt": "another",
}
CHANGED = {
    "data/netns/python/socket.json": "new",
    "data/docker/go/net.json": "new",
    "drawings/docker/stream/normal.json": "new",
    "MATRIX.md": "new",
    "matrix.csv": "new",
}
REMOVED = ("data/netns/python/removed.json", "drawings/netns/stream/removed.json")
AFTER = {name: text for name, text in (OLD | CHANGED).items() if name not in REMOVED}
EVENTS = ("open", "os.", "shutil.", "fcntl.")
"""What a process does to files, by the names of its audit events."""


def fill(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def files(root: Path) -> dict[str, str]:
    """All below it but for what is under way."""
    under_way = {root / NEW, root / PUBLISHED}
    return {
        str(path.relative_to(root)): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file() and under_way.isdisjoint(path.parents)
    }


def publish(root: Path) -> None:
    """As a run does it."""
    with interruptible("old") as interrupts, Publication(root) as publication:
        fill(publication.folder, CHANGED)
        for name in REMOVED:
            (publication.folder / name).unlink(missing_ok=True)
        with interrupts.held():
            publication.commit()
            interrupts.words = "new"


def publish_hit(root: Path, number: int, point: int) -> int:
    """The same in a process that gets a signal at its n-th doing; its status, 0 where it did not come so far."""
    child = os.fork()
    if child == 0:
        left = point

        def hit(event: str, _: object) -> None:
            nonlocal left
            if event.startswith(EVENTS) and event != "os.kill":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), number)

        sys.addaudithook(hit)
        try:
            publish(root)
        except KeyboardInterrupt as end:
            os._exit({"old": 10, "new": 11}[str(end)])
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def hit_everywhere(folder: Path, number: int) -> None:
    """A process of its own, for it forks: no other thread may run beside."""
    states: list[bool] = []
    while True:
        root = fill(folder / str(len(states)), OLD)
        status = publish_hit(root, number, len(states) + 1)
        if number != signal.SIGKILL or not (root / PUBLISHED).exists():
            assert files(root) in (OLD, AFTER)  # nothing is under way
        finish(root)
        found = files(root)
        assert found in (OLD, AFTER), found
        if status in (10, 11):
            assert found == (AFTER if status == 11 else OLD), "what the user is told is true"
        publish(root)
        assert files(root) == AFTER
        assert not (root / NEW).exists()
        assert not (root / PUBLISHED).exists()
        states.append(found == AFTER)
        if status == 0:
            break
    assert len(states) > 40
    assert states == sorted(states), "there is one moment of publication"
    assert states[-2], "some died after it"
    assert not states[0]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_each_point(tmp_path: Path, number: signal.Signals) -> None:
    script = f"import test_publication as t, pathlib; t.hit_everywhere(pathlib.Path({str(tmp_path)!r}), {int(number)})"
    path = os.pathsep.join([str(Path(__file__).parent), *(p for p in sys.path if p)])
    subprocess.run([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": path}, check=True)


def test_without_a_commit_nothing_has_happened(tmp_path: Path) -> None:
    fill(tmp_path, OLD)
    with Publication(tmp_path) as publication:
        fill(publication.folder, CHANGED)
    assert files(tmp_path) == OLD
    assert not (tmp_path / NEW).exists()


def test_a_file_that_stays_the_same_is_not_touched(tmp_path: Path) -> None:
    before = (fill(tmp_path, OLD) / "data/netns/kernel.json").stat()
    publish(tmp_path)
    after = (tmp_path / "data/netns/kernel.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_through_links(tmp_path: Path) -> None:
    """The folder may be a link, and so may a file in it."""
    root = fill(tmp_path / "results", OLD)
    elsewhere = root / "MATRIX.md"
    elsewhere.rename(tmp_path / "matrix.md")
    elsewhere.symlink_to(tmp_path / "matrix.md")
    (tmp_path / "link").symlink_to(root)
    publish(tmp_path / "link")
    assert files(root) == AFTER
    assert (tmp_path / "link").is_symlink()
    assert elsewhere.is_symlink()
    assert (tmp_path / "matrix.md").read_text() == "new"


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no second file system")
def test_onto_another_file_system(tmp_path: Path) -> None:
    other = Path("/dev/shm") / f"hangup-{os.getpid()}.md"
    root = fill(tmp_path, OLD)
    (root / "MATRIX.md").unlink()
    (root / "MATRIX.md").symlink_to(other)
    try:
        publish(root)
        assert other.read_text() == "new"
        assert files(root) == AFTER
    finally:
        other.unlink(missing_ok=True)


def as_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("planted", [as_a_folder, as_a_pipe])
def test_what_is_no_file_stops_it_before_anything_is_changed(tmp_path: Path, planted: Callable[[Path], None]) -> None:
    planted(fill(tmp_path, OLD) / "MATRIX.md")
    with pytest.raises(StoreError, match=r"MATRIX\.md: is not a file; remove it"):
        publish(tmp_path)
    assert files(tmp_path) == {name: text for name, text in OLD.items() if name != "MATRIX.md"}


def test_two_at_once_take_turns(tmp_path: Path) -> None:
    """The second sees what the first has published."""
    script = (
        "import sys, pathlib\n"
        "from hangup.publication import Publication\n"
        "with Publication(pathlib.Path(sys.argv[1])) as p:\n"
        "    count = p.folder / 'data/netns/count.json'\n"
        "    number = int(count.read_text())\n"
        "    count.write_text(str(number + 1))\n"
        "    p.commit()\n"
    )
    fill(tmp_path, {"data/netns/count.json": "0"})
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    several = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], env=environment) for _ in range(5)]
    assert [process.wait() for process in several] == [0] * 5
    assert (tmp_path / "data/netns/count.json").read_text() == "5"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_reader_who_may_not_complete_it_is_told(tmp_path: Path) -> None:
    fill(tmp_path / PUBLISHED, {"MATRIX.md": "new"})
    tmp_path.chmod(0o555)
    with pytest.raises(StoreError, match="a publication there is not complete yet"):
        finish(tmp_path)
