import pytest

from nanofoam_lib.base import terminal


@pytest.mark.parametrize("write, stream", [(terminal.say, 0), (terminal.remark, 1)])
def test_a_no_break_space_is_a_space_and_what_a_terminal_obeys_is_not_written(write, stream, capsys):
    write("92\N{NO-BREAK SPACE}% right\x1b[2J", "es")
    written = capsys.readouterr()[stream]
    assert written.endswith("92 % right\\x1b[2J\n")
