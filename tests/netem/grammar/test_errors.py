from tcplab.netem.grammar import GrammarError


def test_the_display_points_at_the_word() -> None:
    error = GrammarError("delay 100ms los 1%", 12, "los", "there is no such clause", "loss")

    assert error.display() == ("delay 100ms los 1%\n            ^^^\nthere is no such clause; did you mean 'loss'?")


def test_of_many_lines_the_one_at_fault_is_displayed() -> None:
    error = GrammarError("loss 1%\ndelay x\nlimit 5", 14, "x", "TIME must be a time")

    assert error.display() == "delay x\n      ^\nTIME must be a time"


def test_a_missing_word_is_pointed_at_behind_the_others() -> None:
    assert GrammarError("delay", 5, "", "TIME is missing").display() == "delay\n     ^\nTIME is missing"


def test_what_cannot_be_printed_is_not_displayed() -> None:
    assert GrammarError("\x1b[2J x", 5, "x", "wrong").display() == " [2J x\n     ^\nwrong"


def test_of_a_long_line_the_part_around_the_word_is_displayed() -> None:
    shown, carets, _ = GrammarError("x" * 500 + " los", 501, "los", "wrong").display().splitlines()

    assert shown[carets.index("^") :] == "los"
    assert len(shown) == 160
