"""What every board must keep to, so that no panel is empty, broken or unexplained."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.boards.__main__ import generate
from grafana.boards.lifecycle import SPOTLIGHT_DESCRIPTION
from grafana.boards.queries import panel_queries, panels, substituted
from grafana.boards.states import COLOURS
from tcplab.observe.catalogue import CATALOGUE, SERIES, SPOTLIGHT, STATE_CODES
from tcplab.observe.metric import label_values
from tcplab.tcp.states import State

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "grafana/dashboards"
BOARDS: dict[str, dict[str, Any]] = {path.name: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
OTHERS = {
    "up",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
}
SELECTOR = re.compile(r"\b([a-z_]+)\{([^}]*)\}")
COUNTED = re.compile(r"_(total|bucket|count|sum)\{")


def drawn(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the panels that ask for data."""
    return [panel for panel in panels(board) if panel["type"] != "text"]


def expressions() -> Iterator[tuple[str, str]]:
    for name, board in sorted(BOARDS.items()):
        for panel in drawn(board):
            for target in panel["targets"]:
                yield f"{name}: {panel['title']}", target["expr"]


@pytest.fixture(params=sorted(BOARDS))
def board(request: pytest.FixtureRequest) -> dict[str, Any]:
    return BOARDS[request.param]


def test_regenerating_changes_nothing() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}

    assert committed == generate(), "run `python -m grafana.boards`"


def test_the_boards_are_those_that_the_lab_speaks_of() -> None:
    assert BOARDS.keys() == {
        "home.json",
        "connection-lifecycle.json",
        "time-wait-and-ports.json",
        "network.json",
        "broker.json",
    }


def test_a_board_is_of_the_kind_that_file_provisioning_takes(board: dict[str, Any]) -> None:
    assert board["schemaVersion"] == 42
    assert board.keys().isdisjoint({"apiVersion", "kind", "spec", "id"})
    assert board["editable"] is False
    assert board["uid"].startswith("tcplab-")
    assert board["tags"] == ["tcplab"]
    assert board["description"]
    assert board["graphTooltip"] == 1


def test_a_board_can_be_narrowed_to_a_role_and_an_instance(board: dict[str, Any]) -> None:
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}

    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    for name in ("job", "instance"):
        assert variables[name]["multi"] is True
        assert variables[name]["includeAll"] is True
        assert variables[name]["allValue"] == ".+"
        assert variables[name]["datasource"]["uid"] == "${datasource}"
    assert 'job=~"$job"' in variables["instance"]["query"]


def test_every_panel_says_what_it_shows_and_in_what_unit(board: dict[str, Any]) -> None:
    titles = [panel["title"] for panel in panels(board)]

    assert len(titles) == len(set(titles))
    for panel in drawn(board):
        assert len(panel["description"].split()) >= 3, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def test_every_panel_asks_the_chosen_data_source(board: dict[str, Any]) -> None:
    for panel in drawn(board):
        assert panel["targets"], panel["title"]
        for asked in (panel, *panel["targets"]):
            assert asked["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]


def test_several_queries_of_a_panel_can_be_told_apart(board: dict[str, Any]) -> None:
    for panel in drawn(board):
        legends = [target["legendFormat"] for target in panel["targets"]]
        references = [target["refId"] for target in panel["targets"]]

        assert len(set(legends)) == len(legends), panel["title"]
        assert len(set(references)) == len(references), panel["title"]
        assert panel["type"] in ("stat", "table") or all(legends), panel["title"]


def test_no_panel_lies_on_another_or_off_the_board(board: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (place.get("x", 0) + column, place.get("y", 0) + row)
            for column in range(place["w"])
            for row in range(place["h"])
        }

        assert not cells & taken, panel["title"]
        assert max(column for column, _ in cells) < 24, panel["title"]
        taken |= cells
    identifiers = [panel["id"] for panel in board["panels"]]
    assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize(("panel", "expression"), list(expressions()))
class TestExpressions:
    def test_names_are_known(self, panel: str, expression: str) -> None:
        names = {name for name, _ in SELECTOR.findall(expression)}

        assert names, panel
        for name in names:
            assert name in SERIES | OTHERS or name.startswith("rabbitmq_"), name
        assert set(re.findall(r"\btcplab_\w+", expression)) <= names

    def test_every_selector_has_job_and_instance(self, panel: str, expression: str) -> None:
        for name, matchers in SELECTOR.findall(expression):
            chosen = 'job=~"$job", instance=~"$instance"'
            if name.startswith("rabbitmq_"):
                chosen = 'job="rabbitmq", instance=~"$rabbitmq"'
            assert matchers.startswith(chosen), panel

    def test_labels_are_those_of_the_metric(self, panel: str, expression: str) -> None:
        labels = {series: set(metric.labels) for metric in CATALOGUE for series in metric.series}
        for name, matchers in SELECTOR.findall(expression):
            used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)) - {"job", "instance"}
            assert used <= labels.get(name, set()), panel
        grouped = {label.strip() for by in re.findall(r"\bby \(([^)]*)\)", expression) for label in by.split(",")}
        held = {label for name, _ in SELECTOR.findall(expression) for label in labels.get(name, ())}
        assert grouped <= held | {"job", "instance", "le"}, panel

    def test_values_of_labels_are_known(self, panel: str, expression: str) -> None:
        known = {metric.name: metric for metric in CATALOGUE}
        for name, matchers in SELECTOR.findall(expression):
            metric = known.get(re.sub(r"_(bucket|count|sum)$", "", name)) or known.get(name)
            for label, value in re.findall(r'(\w+)=~?"([^"$]*)"', matchers):
                if metric is not None and label in metric.labels:
                    assert set(value.split("|")) <= possible(metric.name, label), panel

    def test_counters_are_only_rated(self, panel: str, expression: str) -> None:
        for found in COUNTED.finditer(expression):
            start = re.search(r"[a-z_]*$", expression[: found.start()])
            assert start is not None
            before = expression[: start.start()]
            assert before.endswith(("rate(", "increase(")), panel

    def test_ranges_follow_the_scrape_interval(self, panel: str, expression: str) -> None:
        assert set(re.findall(r"\[([^\]]*)\]", expression)) <= {"$__rate_interval"}, panel
        assert "irate(" not in expression

    def test_nothing_is_made_up(self, panel: str, expression: str) -> None:
        assert "vector(" not in expression, panel
        assert "absent(" not in expression, panel


def possible(name: str, label: str) -> set[str]:
    """Return the values that a label is known to have."""
    metric = next(metric for metric in CATALOGUE if metric.name == name)
    place = metric.labels.index(label)
    values = {label_values(key)[place] for key in metric.known if key != ()}
    return values or {"client", "server", "netem"}


def test_rates_are_taken_over_several_scrapes() -> None:
    source = yaml.safe_load((ROOT / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"][0]
    prometheus = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text())
    slowest = max(job.get("scrape_interval", "1s") for job in prometheus["scrape_configs"])

    assert source["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"] == "1s"
    for board in BOARDS.values():
        for panel in drawn(board):
            for target in panel["targets"]:
                if "rabbitmq_" in target["expr"] and "rate(" in target["expr"]:
                    assert int(target["interval"].removesuffix("s")) >= int(slowest.removesuffix("s"))


class TestTimeline:
    def panels(self) -> list[dict[str, Any]]:
        found = [panel for board in BOARDS.values() for panel in drawn(board) if panel["type"] == "state-timeline"]
        assert len(found) == 2
        return found

    def test_every_state_has_its_name_and_its_colour(self) -> None:
        assert COLOURS.keys() == set(State)
        assert len(set(COLOURS.values())) == len(State)
        for panel in self.panels():
            (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
            shown = {int(code): (result["text"], result["color"]) for code, result in mapping["options"].items()}
            assert {code: shown[code] for code in STATE_CODES.values()} == {
                code: (state.name, COLOURS[state]) for state, code in STATE_CODES.items()
            }
            assert shown[0][0] == "-"

    def test_no_state_is_averaged_away(self) -> None:
        for panel in self.panels():
            (target,) = panel["targets"]
            assert target["interval"] == "1s"
            assert panel["timeFrom"] == "5m"
            assert panel["maxDataPoints"] >= 300

    def test_it_says_that_it_plays_back(self) -> None:
        for panel in self.panels():
            assert panel["description"] == SPOTLIGHT_DESCRIPTION
        for text in (SPOTLIGHT_DESCRIPTION, SPOTLIGHT.help):
            assert "back" in text
            assert re.search(r"two\s+seconds", text)


def test_the_home_board_leads_to_all_others() -> None:
    content = " ".join(panel["options"]["content"] for panel in panels(BOARDS["home.json"]) if panel["type"] == "text")

    linked = set(re.findall(r"\(/d/([\w-]+)\)", content))
    assert linked == {board["uid"] for name, board in BOARDS.items() if name != "home.json"}


def test_grafana_finds_its_boards_and_opens_on_home() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    (provider,) = yaml.safe_load((ROOT / "grafana/provisioning/dashboards/tcplab.yml").read_text())["providers"]
    (source,) = yaml.safe_load((ROOT / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    folder = provider["options"]["path"]

    assert f"./grafana/dashboards:{folder}:ro" in compose["volumes"]
    assert "./grafana/provisioning:/etc/grafana/provisioning:ro" in compose["volumes"]
    assert compose["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == f"{folder}/home.json"
    assert source["url"] == "http://prometheus:9090"
    assert source["isDefault"] is True


class TestQueries:
    def test_every_query_of_every_board_is_there_without_variables(self) -> None:
        queries = panel_queries()

        assert len(queries) == len(list(expressions()))
        assert {board for board, _, _ in queries} == {board["uid"] for board in BOARDS.values()}
        assert not [expression for _, _, expression in queries if "$" in expression]

    def test_rates_span_four_steps(self) -> None:
        assert substituted('rate(a{job=~"$job"}[$__rate_interval])', "15s") == 'rate(a{job=~".+"}[60s])'

    def test_an_unknown_variable_is_noticed(self) -> None:
        with pytest.raises(ValueError, match="unknown variable"):
            substituted("a{b=$c}", "5s")


def test_boards_that_are_old_or_too_many_are_noticed_and_renewed(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from grafana.boards.__main__ import main; "
        command = [sys.executable, "-c", f"{script}sys.exit(main({list(arguments)!r}))"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    folder = tmp_path / "grafana/dashboards"
    missing, written, current = run("--check"), run(), run("--check")
    (folder / "home.json").write_text("{}")
    (folder / "gone.json").write_text("{}")
    old, unknown, renewed, again = run("--check"), run("--fix"), run(), run("--check")

    codes = [done.returncode for done in (missing, written, current, old, unknown, renewed, again)]
    assert codes == [1, 0, 0, 1, 2, 0, 0]
    assert old.stderr.splitlines() == [
        f"grafana/dashboards/{name} is out of date: run `python -m grafana.boards`"
        for name in ("gone.json", "home.json")
    ]
    assert not (folder / "gone.json").exists()


def test_rows_are_in_order(board: dict[str, Any]) -> None:
    heights = [panel["gridPos"].get("y", 0) for panel in board["panels"]]

    assert all(above <= below for above, below in pairwise(heights))
