"""What boards are put together from."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import text as text_panel
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

from grafana.boards.states import COLOURS, NAMES

Panel = Builder[model.Panel]
DATASOURCE: Final = common_model.DataSourceRef(type_val="prometheus", uid="${datasource}")
WIDTH: Final = 24  # columns of a board
HEIGHT: Final = 8
SCRAPE: Final = "1s"  # as prometheus/prometheus.yml asks the nodes
STEP: Final = "5s"  # as it asks RabbitMQ; at five connections a second, rates over less than 20 s would be noise
SMOOTH: Final = "15s"  # for what happens less than once a second


class Query(NamedTuple):
    """One query of a panel; ``legend`` names its series, with labels as ``{{label}}``.

    ``every`` is the least step between points; rates are taken over four of them.
    """

    expr: str
    legend: str
    dashed: bool = False
    every: str = STEP


@dataclass(frozen=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: Sequence[Panel]


def lines(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    width: int = 12,
    stacked: bool = False,
    states: bool = False,
    log: bool = False,
    decimals: int | None = None,
) -> Panel:
    """Return a time series; ``states`` gives series that are called like a state its colour."""
    panel = timeseries.Panel().title(title).description(description).unit(unit).span(width).height(HEIGHT)
    panel = panel.datasource(DATASOURCE).targets(_targets(queries)).line_width(2).fill_opacity(30 if stacked else 0)
    panel = panel.show_points(common_model.VisibilityMode.NEVER).legend(_legend()).tooltip(_tooltip())
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(common_model.StackingMode.NORMAL))
    if log:
        panel = panel.scale_distribution(
            common.ScaleDistributionConfig().type(common_model.ScaleDistribution.LOG).log(10)
        )
    else:
        panel = panel.axis_soft_min(0)
    if decimals is not None:
        panel = panel.decimals(decimals)
    for number, query in enumerate(queries):
        if query.dashed:
            panel = panel.override_by_query(_ref(number), [_dashes(), model.DynamicConfigValue("custom.lineWidth", 1)])
    if states:
        for state, colour in COLOURS.items():
            panel = panel.override_by_regexp(f"/^{state.value}\\b/", [_colour(colour)])
    return panel


def number(
    title: str, description: str, unit: str, query: Query, *, width: int = 4, decimals: int | None = None
) -> Panel:
    """Return the current value, large, with its past as a thin line."""
    panel = stat.Panel().title(title).description(description).unit(unit).span(width).height(4)
    panel = panel.datasource(DATASOURCE).targets(_targets([query])).reduce_options(_last())
    panel = panel.graph_mode(common_model.BigValueGraphMode.AREA).color_mode(common_model.BigValueColorMode.NONE)
    if query.legend:
        panel = panel.text_mode(common_model.BigValueTextMode.VALUE_AND_NAME)
    return panel if decimals is None else panel.decimals(decimals)


def shares(title: str, description: str, *queries: Query, width: int = 12) -> Panel:
    """Return bars from 0 to 100 %, yellow from 60 %, red from 80 %."""
    panel = bargauge.Panel().title(title).description(description).unit("percentunit").span(width).height(HEIGHT)
    panel = panel.datasource(DATASOURCE).targets(_targets(queries)).reduce_options(_last()).min(0).max(1)
    steps = [model.Threshold(value, colour) for value, colour in ((None, "green"), (0.6, "yellow"), (0.8, "red"))]
    panel = panel.thresholds(dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
    return panel.orientation(common_model.VizOrientation.HORIZONTAL)


def timeline(title: str, description: str, query: Query, *, last: str) -> Panel:
    """Return one bar for each series, coloured by state, over the ``last`` minutes and with nothing averaged away."""
    options = {"0": model.ValueMappingResult(text="-", color="rgba(128, 128, 128, 0.1)", index=0)}
    for code, (state, name) in NAMES.items():
        options[str(code)] = model.ValueMappingResult(text=name, color=COLOURS[state], index=code)
    panel = statetimeline.Panel().title(title).description(description).unit("none").span(WIDTH).height(10)
    panel = panel.datasource(DATASOURCE).targets(_targets([query])).mappings([model.ValueMap(options=options)])
    panel = panel.time_from(last).max_data_points(2_000).merge_values(True).row_height(0.85)
    panel = panel.show_value(common_model.VisibilityMode.AUTO).line_width(0).fill_opacity(85).per_page(24)
    legend = common.VizLegendOptions().show_legend(True).placement(common_model.LegendPlacement.BOTTOM)
    return panel.legend(legend.display_mode(common_model.LegendDisplayMode.LIST)).tooltip(_tooltip())


def heat(title: str, description: str, unit: str, query: Query, *, width: int = 12) -> Panel:
    """Return a histogram over time."""
    target = _target(0, query).format(PromQueryFormat.HEATMAP)
    panel = heatmap.Panel().title(title).description(description).unit(unit).span(width).height(HEIGHT)
    colour = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64).exponent(0.5)
    panel = panel.datasource(DATASOURCE).targets([target]).color(colour)
    return panel.y_axis(heatmap.YAxisConfig().unit(unit))


def listing(title: str, description: str, unit: str, query: Query) -> Panel:
    """Return a table of the labels and values as they are now, the greatest first."""
    target = _target(0, query).instant().format(PromQueryFormat.TABLE)
    panel = table.Panel().title(title).description(description).unit(unit).span(12).height(HEIGHT)
    panel = panel.datasource(DATASOURCE).targets([target])
    panel = panel.sort_by([common.TableSortByFieldState().display_name("Value").desc(True)])
    return panel.override_by_name("Time", [model.DynamicConfigValue("custom.hidden", True)])


def prose(title: str, content: str, *, width: int = 12, height: int = HEIGHT) -> Panel:
    """Return Markdown."""
    return text_panel.Panel().title(title).content(content).span(width).height(height).transparent(True)


def board(uid: str, title: str, description: str, rows: Sequence[Row], *, rabbitmq: bool = False) -> dict[str, Any]:
    """Return a board as the JSON that Grafana provisions."""
    built = dashboard.Dashboard(title).uid(uid).description(description).tags(["tcplab"]).readonly()
    built = built.timezone("browser").time("now-15m", "now").refresh("5s")
    built = built.tooltip(model.DashboardCursorSync.CROSSHAIR)
    built = built.variables([_datasource_variable(), *_node_variables(), *([_rabbitmq_variable()] if rabbitmq else [])])
    built = built.annotation(_alerts()).link(_links())
    for row in rows:
        if row.title:
            built = built.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            built = built.with_panel(panel)
    made = built.build()
    for place, made_panel in enumerate(made.panels or (), start=1):
        made_panel.id_val = place
    return _plain(made)


def write(made: dict[str, Any]) -> str:
    """Return a board as it stands in its file."""
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _plain(made: model.Dashboard) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(JSONEncoder(sort_keys=True).encode(made))
    for link in plain["links"]:
        del link["placement"]  # the SDK would put it into a menu that nobody opens
    return plain


def _ref(number: int) -> str:
    return chr(ord("A") + number)


def _target(number: int, query: Query) -> prometheus.Dataquery:
    target = prometheus.Dataquery().ref_id(_ref(number)).expr(query.expr).legend_format(query.legend)
    return target.datasource(DATASOURCE).interval(query.every).range().editor_mode(QueryEditorMode.CODE)


def _targets(queries: Sequence[Query]) -> list[Builder[Dataquery]]:
    return [_target(number, query) for number, query in enumerate(queries)]


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(True).placement(common_model.LegendPlacement.BOTTOM)
    return legend.display_mode(common_model.LegendDisplayMode.LIST)


def _tooltip() -> common.VizTooltipOptions:
    tooltip = common.VizTooltipOptions().mode(common_model.TooltipDisplayMode.MULTI)
    return tooltip.sort(common_model.SortOrder.DESCENDING)


def _dashes() -> model.DynamicConfigValue:
    return model.DynamicConfigValue("custom.lineStyle", common_model.LineStyle("dash", [6, 6]))


def _colour(colour: str) -> model.DynamicConfigValue:
    return model.DynamicConfigValue("color", model.FieldColor(model.FieldColorModeId.FIXED, colour))


def _datasource_variable() -> Builder[model.VariableModel]:
    return dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")


def _node_variables() -> list[Builder[model.VariableModel]]:
    nodes = "tcplab_build_info"
    return [
        _values("job", "Role", f"label_values({nodes}, job)"),
        _values("instance", "Instance", f'label_values({nodes}{{job=~"$job"}}, instance)'),
    ]


def _rabbitmq_variable() -> Builder[model.VariableModel]:
    return _values("rabbitmq", "RabbitMQ", 'label_values(rabbitmq_build_info{job="rabbitmq"}, instance)')


def _values(name: str, label: str, query: str) -> Builder[model.VariableModel]:
    variable = dashboard.QueryVariable(name).label(label).query(query).datasource(DATASOURCE)
    variable = variable.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(model.VariableSort.ALPHABETICAL_ASC)
    everything = model.VariableOption(selected=True, text="All", value="$__all")
    return variable.multi(True).include_all(True).all_value(".+").current(everything)


def _alerts() -> Builder[model.AnnotationQuery]:
    """Draw every alert of the lab that fires as a shaded region."""
    query = 'ALERTS{alertname=~"Tcplab.+", alertstate="firing"}'
    firing = prometheus.Dataquery().ref_id("Anno").expr(query).datasource(DATASOURCE)
    annotation = dashboard.AnnotationQuery().name("Alerts").datasource(DATASOURCE).enable(True).icon_color("red")
    return annotation.target(firing).expr(query).title_format("{{alertname}}")


def _links() -> Builder[model.DashboardLink]:
    link = dashboard.DashboardLink("tcplab").type(model.DashboardLinkType.DASHBOARDS).tags(["tcplab"])
    return link.keep_time(True).include_vars(True)
