import subprocess
import sys
from pathlib import Path

from tcplab.observe import catalogue


def test_names_are_unique_and_in_base_units() -> None:
    names = [metric.name for metric in catalogue.CATALOGUE]

    assert len(names) == len(set(names))
    for metric in catalogue.CATALOGUE:
        assert metric.name.startswith("tcplab_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.name.endswith("_info") == (metric.kind == "info")
        assert not metric.name.endswith(("_ms", "_ns", "_milliseconds", "_percent"))


def test_no_label_can_grow_without_end() -> None:
    labels = {label for metric in catalogue.CATALOGUE for label in metric.labels}

    assert labels.isdisjoint({"connection", "port", "peer", "address", "seq", "le"})
    for metric in catalogue.CATALOGUE:
        assert metric.known or metric.kind == "info", metric.name


def test_buckets_rise() -> None:
    for metric in catalogue.CATALOGUE:
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert bool(metric.buckets) == (metric.kind == "histogram")


def test_the_page_is_up_to_date() -> None:
    assert catalogue.PAGE.read_text(encoding="utf-8") == catalogue.page(), "run `python -m tcplab.observe.catalogue`"


def test_the_page_names_every_metric() -> None:
    assert all(f"| `{metric.name}` |" in catalogue.page() for metric in catalogue.CATALOGUE)


def test_a_page_that_is_old_is_noticed_and_renewed(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tcplab.observe.catalogue", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    (tmp_path / "docs").mkdir()
    missing, written, current = run("--check"), run(), run("--check")
    (tmp_path / "docs/metrics.md").write_text("old")
    old, unknown = run("--check"), run("--fix")

    assert [done.returncode for done in (missing, written, current, old, unknown)] == [1, 0, 0, 1, 2]
    assert old.stderr == "docs/metrics.md is out of date: run `python -m tcplab.observe.catalogue`\n"
    assert unknown.stderr == "usage: python -m tcplab.observe.catalogue [--check]\n"
