"""Dashboards over the API: each panel's data, of the rows that the caller may see."""
