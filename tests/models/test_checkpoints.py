import json
import warnings

import numpy as np
import pytest

from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.models import checkpoints
from nanofoam_lib.models.checkpoints import Checkpoint, State

ROWS = [{"epoch": 1, "total": 0.1 + 0.2, "kl": float("nan")}]


def state(value=0.0):
    weights = [np.full((2, 3), value, np.float32), np.float32(value)]
    return State(ROWS, [0], weights, [np.int64(7), *weights], [weight + 1 for weight in weights])


@pytest.fixture
def written(tmp_path):
    checkpoint = Checkpoint(tmp_path, "mine")
    checkpoint.offer(state)
    return checkpoint


def test_what_is_written_is_read_bit_for_bit(written, tmp_path):
    read = Checkpoint(tmp_path, "mine").read()
    assert repr(read.history) == repr(ROWS) and read.starts == [0]
    for part in ("weights", "optimizer", "best"):
        for a, b in zip(getattr(read, part), getattr(state(), part), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
    written.remove()
    written.remove()
    assert Checkpoint(tmp_path, "mine").read() is None


def test_more_than_ten_arrays_keep_their_order(tmp_path):
    checkpoint = Checkpoint(tmp_path, "mine")
    checkpoint.offer(lambda: State([], [], [np.array(i) for i in range(25)], [], []))
    assert [int(weight) for weight in checkpoint.read().weights] == list(range(25))


def test_that_of_another_training_is_left_alone_with_a_warning(written, tmp_path):
    with pytest.warns(RunWarning, match=r"checkpoint\.npz belongs to another training; training starts anew"):
        assert Checkpoint(tmp_path, "other").read() is None


def test_a_damaged_one_is_never_half_read(written):
    whole = written.path.read_bytes()
    rng = np.random.default_rng(0)
    damaged = [whole[:size] for size in (0, 1, 100, len(whole) // 2, len(whole) - 1)]
    for place in rng.integers(len(whole), size=60):
        damaged.append(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
    intact, outcomes = repr(written.read()), []
    for content in damaged:
        written.path.write_bytes(content)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            read = written.read()
        assert (read is None) == any(issubclass(each.category, RunWarning) for each in said)
        # A flip in the parts of the archive that hold no data may go unseen, if what is read is right
        assert read is None or repr(read) == intact
        outcomes.append(read is None)
    assert all(outcomes[:5]) and sum(outcomes) > 30


def test_a_torn_file_of_a_killed_writer_is_removed(written):
    torn = written.path.with_name(f".tmp-0123456789ab-{checkpoints.NAME}")
    torn.write_bytes(b"PK")
    assert written.read() is not None
    assert not torn.exists()


def test_writing_takes_a_small_share_of_the_time(tmp_path, monkeypatch):
    now = 0.0
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now)
    checkpoint = Checkpoint(tmp_path, "mine")

    def slow():
        nonlocal now
        now += 1.0
        return state(now)

    kept = []
    for _ in range(100):
        now += 2.0  # an epoch
        before = now
        checkpoint.offer(slow)
        kept.append(now > before)
    assert kept[0]
    assert sum(kept) == pytest.approx(100 * 2.0 * checkpoints.MAX_SHARE, abs=1.5)


def test_an_identity_changes_with_everything_that_counts():
    a = np.arange(6)
    same = checkpoints.identify([a], 1, {"b": 2})
    assert checkpoints.identify(iter([a.copy()]), 1, {"b": 2}) == same
    others = [([a + 1], 1, {"b": 2}), ([a.astype(float)], 1, {"b": 2}), ([a.reshape(2, 3)], 1, {"b": 2}),
              ([a], 2, {"b": 2}), ([a], 1, {"b": 3}), ([a, a], 1, {"b": 2})]  # fmt: skip
    assert len({same, *(checkpoints.identify(*other) for other in others)}) == 7


def test_a_training_is_finished_while_its_files_are_its_own(tmp_path):
    (tmp_path / "encoder.keras").write_text("weights")
    assert not checkpoints.is_finished(tmp_path, "mine")
    checkpoints.mark_finished(tmp_path, "mine")
    (tmp_path / "seed-1").mkdir()
    (tmp_path / "seed-1" / "encoder.keras").write_text("of a repetition")
    assert checkpoints.is_finished(tmp_path, "mine")
    (tmp_path / "encoder.keras").write_text("weighty")
    assert not checkpoints.is_finished(tmp_path, "mine")
    assert not (tmp_path / checkpoints.MARKER).exists()


@pytest.mark.parametrize("content", ["", "{", json.dumps([1]), "\0"])
def test_a_damaged_mark_does_not_count(tmp_path, content):
    (tmp_path / checkpoints.MARKER).write_text(content)
    assert not checkpoints.is_finished(tmp_path, "mine")
