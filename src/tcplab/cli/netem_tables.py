"""What ``tcplab netem`` prints of the lab service's answers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

Answer = Mapping[str, Any]


def change_line(told: Answer) -> str:
    """Return a line that says what was changed."""
    by = f" ({told['by']})" if told["by"] else ""
    return f"{_time(told['at'])} revision {told['revision']}: {told['what']}{by}"


def changes_table(history: Sequence[Answer]) -> RenderableType:
    """Return what was changed, by whom and when."""
    table = _table("revision", "at", "by", "what")
    for each in history:
        table.add_row(str(each["revision"]), _time(each["at"]), Text(each["by"]), Text(each["what"], overflow="fold"))
    return table


def show_tables(stands: Answer, status: Answer) -> Iterator[RenderableType]:
    """Yield what stands, and what came of it on each shard."""
    yield Text(change_line(stands))
    shards: Mapping[str, Answer] = status["shards"]
    yield from _what_stands(stands)
    if not shards:
        yield Text("\nno shard of the network answers; docker compose ps netem says whether one runs", style="red")
        return
    behind = [name for name, shard in shards.items() if shard["revision"] != stands["revision"]]
    yield Text()
    yield _links(shards)
    if any(shard["faults"] for shard in shards.values()):
        yield Text()
        yield _faults(shards)
    if any(shard["realised"] for shard in shards.values()):
        yield Text()
        yield _realised(shards)
    for name in behind:
        trouble = shards[name]["trouble"] or "it will, in a moment"
        yield Text(f"{name} goes by revision {shards[name]['revision']} yet: {trouble}", style="yellow")


def _what_stands(stands: Answer) -> Iterator[RenderableType]:
    configuration = stands["configuration"]
    lines = [f"link {where} {profile}" for where, profile in configuration["links"].items()]
    lines += [f"{fault['rule']} as {fault['name']}" for fault in configuration["faults"]]
    lines += [str(entry["entry"]) for entry in configuration.get("timeline", ())]
    yield Text("\n".join(f"  {line}" for line in lines) or "  nothing stands on top of the base")
    for lease in stands["leases"]:
        bound = ", ".join((*lease["faults"], *lease["links"])) or "nothing yet"
        yield Text(f"  {lease['id']} runs out in {lease['remaining']:.0f} s unless it is renewed: {bound}")


def _links(shards: Mapping[str, Answer]) -> Table:
    table = _table("shard", "link", "base", "goes by", "segments", "waiting")
    for name, shard in shards.items():
        for link, its in shard["links"].items():
            changed = "" if its["profile"] == its["base"] else its["profile"]
            table.add_row(name, link, its["base"], changed, f"{its['packets']:,}", f"{its['queued']:,}")
    return table


def _faults(shards: Mapping[str, Answer]) -> Table:
    table = _table("shard", "fault", "rule", "requested and realised")
    for name, shard in shards.items():
        for fault, its in shard["faults"].items():
            table.add_row(name, fault, Text(its["rule"]), Text(its["realised"]["line"]))
    return table


def _realised(shards: Mapping[str, Answer]) -> Table:
    table = _table("shard", "link", "requested and realised, with 95 % bounds")
    for name, shard in shards.items():
        for link, measures in shard["realised"].items():
            for measure in measures:
                table.add_row(name, link, Text(measure["line"]))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _time(unix: float) -> str:
    return f"{datetime.fromtimestamp(unix):%Y-%m-%d %H:%M:%S}"
