"""How fast do all jobs at once take the whole history from Kafka, beside two yardsticks?

Starts its own components (``bench/replay/ground.py``), publishes OULAD on all its topics as the
importer does, and starts at one moment Flink's jobs, the archive and the derivation, from nothing.
``events_per_s`` counts until every table, feature row and statistic is complete and the totals
are those published. It does so for a quarter, a half and all of the history: ``growth``. The
yardsticks are Flink reading the content topic into nothing, and a plain Python consumer that keeps
``course_activity`` alone.

LMS_BENCH_EVENTS limits the history; LMS_BENCH_OULAD names its folder (default: all of it in
../shared/data/oulad, else the sample in the repository); LMS_BENCH_SIZES the shares
(``0.25,0.5,1``).
"""

from __future__ import annotations

import os

from bench.replay import ground, history, jobs, yardsticks
from stack.profile import profile


def run() -> dict[str, float | int | str]:
    limit = float(os.environ.get("LMS_BENCH_EVENTS", "inf"))
    shares = [float(text) for text in os.environ.get("LMS_BENCH_SIZES", "0.25,0.5,1").split(",")]
    figures: dict[str, float | int | str] = {}
    with ground.own_stack(), history.mapped() as whole:
        total = whole.size(limit).events
        figures["source"] = whole.source.name
        figures["taskmanager_niceness"] = profile().task_manager_niceness
        sizes, measured = [whole.size(total * share) for share in sorted(shares)], []
        for size in sizes:
            whole.publish(size)
            ground.fresh_database()
            measured.append(jobs.replay(size))
        size, last = sizes[-1], measured[-1]
        rate = size.events / last.complete_s
        read_rate = size.content / yardsticks.flink_reads()
        python_rate = size.content / yardsticks.python_counts(size.content)
    figures |= {
        "events": size.events,
        "events_per_s": round(rate),
        "ratio_to_read_limit": round(rate / read_rate, 3),
        "ratio_to_python_consumer": round(rate / python_rate, 3),
        "read_limit_events_per_s": round(read_rate),
        "python_consumer_events_per_s": round(python_rate),
        "peak_rss_mb": round(last.peak_mb),
        "flink_done_s": round(last.flink_s, 1),
        "archive_done_s": round(last.archive_s, 1),
        "complete_s": round(last.complete_s, 1),
        # A busy machine changes these less than the rates above.
        "cpu_us_per_event": round(sum(last.cpu_s.values()) / size.events * 1e6, 1),
    }
    for role, seconds in sorted(last.cpu_s.items(), key=lambda item: -item[1]):
        if seconds / size.events >= 5e-8:
            figures[f"cpu_us_per_event, {role}"] = round(seconds / size.events * 1e6, 1)
    figures["share_of_cores_others_used"] = round(last.others_share, 3)
    for size, one in zip(sizes, measured, strict=True):
        name = f"growth, {size.events} events"
        figures[name] = (
            f"{one.complete_s:.1f} s, {sum(one.cpu_s.values()) / size.events * 1e6:.1f} us CPU "
            f"per event, {one.peak_mb:.0f} MB"
        )
    first = measured[0]
    figures["growth, time per event, last to first"] = round(
        last.complete_s / sizes[-1].events / (first.complete_s / sizes[0].events), 3
    )
    figures["growth, memory, last to first"] = round(last.peak_mb / first.peak_mb, 3)
    return figures
