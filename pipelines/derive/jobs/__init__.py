"""The derived jobs: each is one module with a ``JOB`` and one ``.sql`` of the same name."""
