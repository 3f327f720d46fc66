"""Grafana's boards as typed code; ``python -m grafana.boards`` writes grafana/dashboards/*.json."""

import warnings

with warnings.catch_warnings():
    # The SDK says on import that it prefers its v2 dashboards, which Grafana 13's file provisioning refuses.
    warnings.simplefilter("ignore", DeprecationWarning)
    import grafana_foundation_sdk.builders.dashboard
    import grafana_foundation_sdk.models.dashboardv2beta1  # noqa: F401
