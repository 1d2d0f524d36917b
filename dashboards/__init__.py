"""Dashboards: one SQL file per panel is the source of the live page and of Grafana."""
