"""What people read: one view per table, in the schema ``analytics``.

Panels, the analytics API, models, serving and Grafana name these views and no stored table, so that
a table can be stored otherwise (in partial sums, split, moved) without touching a reader. A table
that a job declares has its view unasked; ``declared/<name>.sql`` adds one of anything else.
"""
