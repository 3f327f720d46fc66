"""The generated files: written, checked, and up to date."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tcplab.wire.schema import SCHEMA_FILE, VECTORS_FILE, main


def test_what_was_written_is_not_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--docs", str(tmp_path)]) == 0
    assert main(["--check", "--docs", str(tmp_path)]) == 0

    assert capsys.readouterr() == ("", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == [SCHEMA_FILE, VECTORS_FILE]


def test_a_changed_and_a_missing_file_are_named_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--docs", str(tmp_path)])
    schema = json.loads((tmp_path / SCHEMA_FILE).read_text())
    schema["properties"]["v"]["const"] = 2
    (tmp_path / SCHEMA_FILE).write_text(json.dumps(schema, indent=2) + "\n")
    (tmp_path / VECTORS_FILE).unlink()

    assert main(["--check", "--docs", str(tmp_path)]) == 1

    assert capsys.readouterr().err == (
        f"stale: {tmp_path / SCHEMA_FILE}, {tmp_path / VECTORS_FILE}; run python -m tcplab.wire.schema\n"
    )


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--docs", str(tmp_path / "docs")]) == 1

    assert capsys.readouterr().err.startswith(f"no folder {tmp_path / 'docs'}; ")


def test_the_committed_files_are_up_to_date() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tcplab.wire.schema", "--check"], capture_output=True, text=True, check=False, timeout=60
    )

    assert (run.returncode, run.stderr) == (0, "")
