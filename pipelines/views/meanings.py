"""What a column is called, it is: the meaning of a name where its table says no more about it."""

from __future__ import annotations

MEANINGS = {
    "institution_id": "the institution (tenant)",
    "course_id": "the course",
    "item_id": "the item of content",
    "user_id": "the learner: a person",
    "assessment_id": "the assessment",
    "question_id": "the question",
    "submission_id": "the submission",
    "recommendation_id": "the answer of the recommender",
    "last_item_id": "the item of the newest event",
    "last_course_id": "the course of the newest event",
    "event_id": "the event that the row is of",
    "grade_event_id": "the event of the newest grade",
    "progress_event_id": "the event of the newest progress",
    "kind": "what kind of content or of assessment",
    "arm": "arm of the experiment",
    "model": "the model, by the hash of its contents",
    "source": "candidate source of the recommendation",
    "source_service": "the service that emitted the events",
    "position": "place in the answer, from 1",
    "topic": "Kafka topic",
    "bucket_at": "start of the bucket of time",
    "first_at": "the first event",
    "last_at": "the newest event",
    "started_at": "the first action",
    "submitted_at": "when it was submitted",
    "graded_at": "when it was graded last",
    "due_at": "when it is due; empty: never",
    "completed_at": "when the course was completed",
    "progress_at": "the newest progress",
    "clicked_at": "the first click; empty: none",
    "dismissed_at": "when it was dismissed; empty: never",
    "events": "events",
    "clicks": "clicks, as content.viewed counts them",
    "views": "views of content",
    "completions": "completed items",
    "downloads": "downloads",
    "forum_posts": "posts in forums",
    "watched_seconds": "video watched",
    "learners": "distinct learners",
    "submissions": "submissions",
    "submitted": "submissions",
    "graded": "gradings",
    "late": "submissions after they were due",
    "passed": "whether it passed; in sums, how many did",
    "score": "score in percent",
    "score_sum": "scores together, in percent",
    "points": "points given",
    "max_points": "points that can be had",
    "weight": "weight in the course's score",
    "attempt": "number of the attempt, from 1",
    "attempts": "attempts",
    "answers": "answers",
    "response": "the answer as it was given",
    "correct": "right answers; of one answer, whether it is right",
    "first_correct": "first attempts that were right",
    "share_correct_first_try": "right first attempts of all that were judged",
    "pass_rate": "passed of those of which it is known",
    "enrolled": "enrollments",
    "started": "enrollments whose first activity is then",
    "completed": "completed enrollments",
    "dropped": "dropped enrollments",
    "impressions": "items shown",
    "shown": "items shown",
    "clicked": "shown items that were clicked",
    "dismissed": "shown items that were dismissed",
    "converted": "shown items that were completed",
    "dismissals": "items dismissed",
    "duration_ms": "from the first action to the last",
}
"""Comment by name of a column. A table whose column means something else says so on its line."""

_SUFFIXES = (
    ("_ms", "milliseconds"),
    ("_seconds", "seconds"),
    ("_s", "seconds"),
    ("_days", "days"),
    ("_rate", "0 to 1"),
    ("drop_off", "0 to 1"),
)
_NUMBERS = ("bigint", "integer", "numeric", "double precision")
_TYPES = {
    "timestamp with time zone": "UTC",
    "bigint": "count",
}


def unit(name: str, type_: str) -> str | None:
    """The unit of a column, by the rule of its name or else of its type.

    None for what has none, and for a number whose comment has to say what it is in.
    """
    if name.startswith("share_"):
        return "0 to 1"
    found = [unit for suffix, unit in _SUFFIXES if type_ in _NUMBERS and name.endswith(suffix)]
    return found[0] if found else _TYPES.get(type_)
