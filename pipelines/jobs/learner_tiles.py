"""What a learner did in a course in an hour, and what their work was worth."""

from contracts.topics import ASSESSMENTS, CONTENT
from pipelines.derive.tables import Table
from pipelines.job import Job

JOB = Job(
    name="learner_tiles",
    about="events, clicks by kind, video, work and scores per learner, course and hour",
    reads=(CONTENT, ASSESSMENTS),
    tables=(
        Table(
            "learner_tiles",
            "what a learner did in a course in an hour, in partial sums",
            """
            institution_id uuid NOT NULL
            user_id uuid NOT NULL
            course_id uuid NOT NULL
            hour_at timestamptz NOT NULL -- start of the hour (UTC)
            part bigint NOT NULL -- partial sum by time of arrival: sum over it
            events bigint NOT NULL -- events about content
            clicks bigint NOT NULL -- as content.viewed counts them, all kinds of items together
            clicks_page bigint NOT NULL -- clicks on text that is read
            clicks_video bigint NOT NULL -- clicks on videos
            clicks_quiz bigint NOT NULL -- clicks on quizzes, questionnaires and exercises
            clicks_forum bigint NOT NULL -- clicks on forums, wikis and meetings
            clicks_resource bigint NOT NULL -- clicks on documents, links and collections
            views bigint NOT NULL -- items opened
            completions bigint NOT NULL
            downloads bigint NOT NULL
            posts bigint NOT NULL -- in forums
            plays bigint NOT NULL -- videos started or resumed
            watched_s double precision NOT NULL -- seconds of video played, repeats included
            submissions bigint NOT NULL -- work handed in
            timed bigint NOT NULL -- submissions of which is known whether they are late
            late bigint NOT NULL -- submissions after the due date
            graded bigint NOT NULL -- work graded for the first time
            score_sum double precision NOT NULL -- percent; a correction adds its difference
            first_at timestamptz -- the learner's first event or submission; NULL: only grades
            last_at timestamptz -- the learner's last event or submission; NULL: only grades
            """,
            key=("institution_id", "user_id", "course_id", "hour_at", "part"),
            time="hour_at",
        ),
    ),
)
