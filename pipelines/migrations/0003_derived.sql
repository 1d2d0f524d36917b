-- What is derived from the archive: exact tables that count each archived event once. The process
-- pipelines.derive writes them; docs/adr/0010-derived-tables.md says how and why.

-- The archive's transaction that stored an event. What a step of the derivation has seen and what
-- is new to it are told apart by this number alone.
ALTER TABLE activity_events ADD COLUMN batch_no bigint NOT NULL DEFAULT 0;

-- Written with the events: whom a batch is about on which days (two arrays of one length), and the
-- events that are about nobody. Deleted once derived.
CREATE TABLE archive_batches (
    batch_no bigint      PRIMARY KEY,
    events   integer     NOT NULL,
    users    uuid[]      NOT NULL,
    days     date[]      NOT NULL,
    loose    uuid[]      NOT NULL,
    loose_at timestamptz[] NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- Everything up to done_batch_no is in the derived tables. One row.
CREATE TABLE derive_position (
    one           boolean PRIMARY KEY DEFAULT true CHECK (one),
    done_batch_no bigint  NOT NULL
);

-- learner_course_day was the stream's; it is derived now, from the beginning.
TRUNCATE learner_course_day;
ALTER TABLE learner_course_day
    ADD COLUMN views           bigint NOT NULL DEFAULT 0,
    ADD COLUMN completions     bigint NOT NULL DEFAULT 0,
    ADD COLUMN time_on_task_ms bigint NOT NULL DEFAULT 0,
    ADD COLUMN first_at        timestamptz,
    ADD COLUMN last_at         timestamptz;

-- Exact distinct learners per bucket, and how long they worked: the steps from one of their events
-- to their next within a session, told of the bucket in which the step began.
CREATE TABLE course_learners_minute (
    bucket_at       timestamptz NOT NULL,
    institution_id  uuid        NOT NULL,
    course_id       uuid        NOT NULL,
    learners        bigint      NOT NULL,
    time_on_task_ms bigint      NOT NULL,
    PRIMARY KEY (bucket_at, institution_id, course_id)
);
CREATE TABLE course_learners_hour (LIKE course_learners_minute INCLUDING ALL);
CREATE TABLE course_learners_day (LIKE course_learners_minute INCLUDING ALL);

-- Each learner's sessions: their own actions, none further than the gap from the next.
CREATE TABLE sessions (
    user_id        uuid        NOT NULL,
    started_at     timestamptz NOT NULL,
    ended_at       timestamptz NOT NULL,
    institution_id uuid        NOT NULL,
    events         bigint      NOT NULL,
    devices        text[]      NOT NULL,
    duration_ms    bigint GENERATED ALWAYS AS
        ((extract(epoch FROM ended_at - started_at) * 1000)::bigint) STORED,
    PRIMARY KEY (user_id, started_at, institution_id)
);

CREATE TABLE item_engagement (
    bucket_at      timestamptz NOT NULL,
    institution_id uuid        NOT NULL,
    course_id      uuid        NOT NULL,
    item_id        uuid        NOT NULL,
    kind           text        NOT NULL,
    views          bigint      NOT NULL,
    clicks         bigint      NOT NULL,
    learners       bigint      NOT NULL,
    completions    bigint      NOT NULL,
    finishers      bigint      NOT NULL,
    drop_off       double precision GENERATED ALWAYS AS
        (1 - finishers / nullif(learners, 0)::double precision) STORED,
    PRIMARY KEY (bucket_at, institution_id, course_id, item_id)
);
COMMENT ON COLUMN item_engagement.learners IS 'distinct learners who opened it that day';
COMMENT ON COLUMN item_engagement.finishers IS 'those of them who completed it that day';

-- A video in segments of five seconds: how often each was watched and by how many learners.
CREATE TABLE video_heat (
    institution_id uuid    NOT NULL,
    item_id        uuid    NOT NULL,
    segment        integer NOT NULL,
    watches        bigint  NOT NULL,
    learners       bigint  NOT NULL,
    repeats        bigint  GENERATED ALWAYS AS (watches - learners) STORED,
    PRIMARY KEY (item_id, segment, institution_id)
);
CREATE INDEX activity_events_watched ON activity_events (user_id, item_id)
    WHERE event_type = 'video.watched';

-- One row per learner and course: the moments of an enrollment, whatever order they came in.
CREATE TABLE learner_course (
    institution_id    uuid        NOT NULL,
    course_id         uuid        NOT NULL,
    user_id           uuid        NOT NULL,
    enrolled_at       timestamptz,
    last_enrolled_at  timestamptz,
    first_activity_at timestamptz,
    completed_at      timestamptz,
    dropped_at        timestamptz,
    progress          double precision,
    progress_at       timestamptz,
    progress_event_id uuid,
    PRIMARY KEY (course_id, user_id, institution_id)
);
CREATE INDEX learner_course_learner ON learner_course (user_id);
COMMENT ON COLUMN learner_course.dropped_at IS 'the last drop; enrolled again where last_enrolled_at is later';

CREATE TABLE enrollment_funnel_day (
    bucket_at      timestamptz NOT NULL,
    institution_id uuid        NOT NULL,
    course_id      uuid        NOT NULL,
    enrolled       bigint      NOT NULL,
    started        bigint      NOT NULL,
    completed      bigint      NOT NULL,
    dropped        bigint      NOT NULL,
    PRIMARY KEY (course_id, bucket_at, institution_id)
);
-- Cumulative, and with the distinct learners who were active that day.
CREATE VIEW enrollment_funnel AS
SELECT institution_id, course_id, bucket_at,
       coalesce(f.enrolled, 0) AS enrolled, coalesce(f.started, 0) AS started,
       coalesce(a.learners, 0) AS active,
       coalesce(f.completed, 0) AS completed, coalesce(f.dropped, 0) AS dropped,
       sum(coalesce(f.enrolled, 0)) OVER so_far AS enrolled_so_far,
       sum(coalesce(f.started, 0)) OVER so_far AS started_so_far,
       sum(coalesce(f.completed, 0)) OVER so_far AS completed_so_far,
       sum(coalesce(f.dropped, 0)) OVER so_far AS dropped_so_far
FROM enrollment_funnel_day f
FULL JOIN course_learners_day a USING (institution_id, course_id, bucket_at)
WINDOW so_far AS (PARTITION BY institution_id, course_id ORDER BY bucket_at);
CREATE VIEW enrollment_times AS
SELECT institution_id, course_id, count(enrolled_at) AS enrolled,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM first_activity_at - enrolled_at))
           FILTER (WHERE first_activity_at >= enrolled_at) AS median_seconds_to_first_activity,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM completed_at - enrolled_at))
           FILTER (WHERE completed_at >= enrolled_at) AS median_seconds_to_completion
FROM learner_course WHERE enrolled_at IS NOT NULL GROUP BY institution_id, course_id;

-- Work: what was set, what each learner handed in, what each question got. The newest telling wins.
CREATE TABLE assessment_set (
    assessment_id  uuid        PRIMARY KEY,
    institution_id uuid        NOT NULL,
    course_id      uuid        NOT NULL,
    kind           text        NOT NULL,
    due_at         timestamptz,
    weight         numeric     NOT NULL,
    pass_score     numeric,
    told_at        timestamptz NOT NULL,
    event_id       uuid        NOT NULL
);
CREATE INDEX assessment_set_course ON assessment_set (course_id);
CREATE TABLE learner_submission (
    submission_id  uuid        PRIMARY KEY,
    institution_id uuid        NOT NULL,
    assessment_id  uuid        NOT NULL,
    course_id      uuid        NOT NULL,
    user_id        uuid        NOT NULL,
    submitted_at   timestamptz,
    attempt        integer,
    late           boolean,
    score          numeric,
    passed         boolean,
    graded_at      timestamptz,
    grade_event_id uuid
);
CREATE INDEX learner_submission_assessment ON learner_submission (assessment_id);
CREATE INDEX learner_submission_learner ON learner_submission (user_id, course_id);
CREATE TABLE question_response (
    submission_id  uuid        NOT NULL,
    question_id    uuid        NOT NULL,
    institution_id uuid        NOT NULL,
    assessment_id  uuid        NOT NULL,
    course_id      uuid        NOT NULL,
    user_id        uuid        NOT NULL,
    attempt        integer     NOT NULL,
    response       text,
    correct        boolean,
    points         numeric     NOT NULL,
    max_points     numeric     NOT NULL,
    spent_ms       bigint,
    graded_at      timestamptz NOT NULL,
    event_id       uuid        NOT NULL,
    PRIMARY KEY (submission_id, question_id)
);
CREATE INDEX question_response_assessment ON question_response (assessment_id);

-- Assessments whose statistics are to be made again; what is here is not yet in them.
CREATE TABLE assessment_due (
    assessment_id uuid PRIMARY KEY
);
CREATE TABLE question_stats (
    assessment_id  uuid    NOT NULL,
    question_id    uuid    NOT NULL,
    institution_id uuid    NOT NULL,
    course_id      uuid    NOT NULL,
    attempts       bigint  NOT NULL,
    correct        bigint  NOT NULL,
    first_tries    bigint  NOT NULL,
    first_correct  bigint  NOT NULL,
    spent_ms       bigint  NOT NULL,
    timed          bigint  NOT NULL,
    -- Sums over first tries that are right or wrong: x is 1 or 0, y the submission's points.
    sum_x          bigint  NOT NULL,
    sum_y          numeric NOT NULL,
    sum_yy         numeric NOT NULL,
    sum_xy         numeric NOT NULL,
    share_correct_first_try double precision GENERATED ALWAYS AS
        (first_correct / nullif(first_tries, 0)::double precision) STORED,
    PRIMARY KEY (question_id, assessment_id)
);
CREATE INDEX question_stats_assessment ON question_stats (assessment_id);
-- The point-biserial correlation of "right at the first try" with the submission's points.
CREATE VIEW question_quality AS
SELECT *, spent_ms / nullif(timed, 0) / 1000.0 AS mean_seconds,
       ((first_tries * sum_xy - sum_x * sum_y)
        / nullif(sqrt(((first_tries - sum_x) * sum_x)::numeric
                      * (first_tries * sum_yy - sum_y * sum_y)), 0))::double precision
           AS discrimination
FROM question_stats;
CREATE TABLE question_answers (
    assessment_id  uuid   NOT NULL,
    question_id    uuid   NOT NULL,
    response       text   NOT NULL,
    institution_id uuid   NOT NULL,
    answers        bigint NOT NULL,
    PRIMARY KEY (question_id, assessment_id, response)
);
CREATE INDEX question_answers_assessment ON question_answers (assessment_id);
CREATE TABLE assessment_stats (
    assessment_id  uuid     PRIMARY KEY,
    institution_id uuid     NOT NULL,
    course_id      uuid     NOT NULL,
    submissions    bigint   NOT NULL,
    learners       bigint   NOT NULL,
    graded         bigint   NOT NULL,
    rated          bigint   NOT NULL,
    passed         bigint   NOT NULL,
    late           bigint   NOT NULL,
    late_by_ms     bigint   NOT NULL,
    score_sum      numeric  NOT NULL,
    score_histogram bigint[] NOT NULL,
    pass_rate      double precision GENERATED ALWAYS AS
        (passed / nullif(rated, 0)::double precision) STORED
);
COMMENT ON COLUMN assessment_stats.rated IS 'graded work of which is known whether it passes';
COMMENT ON COLUMN assessment_stats.score_histogram IS 'ten bins of ten points, 100 in the last';

-- One row per item of one answer of the recommender, and what became of it.
CREATE TABLE recommendation_offer (
    recommendation_id uuid        NOT NULL,
    item_id           uuid        NOT NULL,
    institution_id    uuid        NOT NULL,
    user_id           uuid        NOT NULL,
    position          integer     NOT NULL,
    course_id         uuid,
    source            text,
    model             text,
    arm               text,
    shown_at          timestamptz,
    clicked_at        timestamptz,
    dismissed_at      timestamptz,
    converted_at      timestamptz,
    PRIMARY KEY (recommendation_id, item_id)
);
CREATE INDEX recommendation_offer_learner ON recommendation_offer (user_id, item_id);
CREATE TABLE recommendation_feedback (
    bucket_at      timestamptz NOT NULL,
    institution_id uuid        NOT NULL,
    arm            text        NOT NULL,
    model          text        NOT NULL,
    source         text        NOT NULL,
    position       integer     NOT NULL,
    impressions    bigint      NOT NULL,
    clicks         bigint      NOT NULL,
    dismissals     bigint      NOT NULL,
    conversions    bigint      NOT NULL,
    PRIMARY KEY (bucket_at, institution_id, arm, model, source, position)
);

-- What depends on now is asked now. Cheap for one learner or one course: each part has its index.
CREATE VIEW learner_progress AS
SELECT c.institution_id, c.course_id, c.user_id, c.enrolled_at, c.first_activity_at,
       CASE WHEN c.completed_at IS NOT NULL THEN 'completed'
            WHEN c.dropped_at >= coalesce(c.last_enrolled_at, c.dropped_at) THEN 'dropped'
            WHEN c.enrolled_at IS NOT NULL THEN 'enrolled' ELSE 'guest' END AS status,
       CASE WHEN c.completed_at IS NOT NULL THEN 100 ELSE coalesce(c.progress, 0) END AS progress,
       seen.last_seen_at, coalesce(seen.active_days, 0) AS active_days,
       coalesce(seen.current_streak, 0) AS current_streak_days,
       coalesce(seen.longest_streak, 0) AS longest_streak_days,
       handed.submitted, handed.late, work.due, work.missed, handed.mean_score, handed.score_trend
FROM learner_course c
CROSS JOIN LATERAL (
    SELECT sum(days) AS active_days, max(days) AS longest_streak, max(last_at) AS last_seen_at,
           -- A streak lives on until a whole day has passed without an event.
           max(days) FILTER (WHERE last_day >= (now() AT TIME ZONE 'UTC')::date - 1)
               AS current_streak
    FROM (SELECT count(*) AS days, max(day) AS last_day, max(last_at) AS last_at
          FROM (SELECT (bucket_at AT TIME ZONE 'UTC')::date AS day, last_at,
                       (bucket_at AT TIME ZONE 'UTC')::date
                       - row_number() OVER (ORDER BY bucket_at)::int AS streak
                FROM learner_course_day d
                WHERE d.user_id = c.user_id AND d.course_id = c.course_id
                  AND d.institution_id = c.institution_id) AS of_days
          GROUP BY streak) AS streaks
) AS seen
CROSS JOIN LATERAL (
    SELECT count(DISTINCT assessment_id) AS submitted,
           count(*) FILTER (WHERE coalesce(s.late, s.submitted_at > a.due_at)) AS late,
           avg(s.score) AS mean_score,
           -- Points per further submission: positive where the learner gets better.
           regr_slope(s.score::float8, s.nth::float8) AS score_trend
    FROM (SELECT *, row_number() OVER (ORDER BY submitted_at, submission_id) AS nth
          FROM learner_submission o
          WHERE o.user_id = c.user_id AND o.course_id = c.course_id) AS s
    LEFT JOIN assessment_set a USING (assessment_id)
) AS handed
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE a.due_at > now()) AS due,
           count(*) FILTER (WHERE a.due_at <= now()) AS missed
    FROM assessment_set a
    WHERE a.course_id = c.course_id AND NOT EXISTS (
        SELECT FROM learner_submission o
        WHERE o.assessment_id = a.assessment_id AND o.user_id = c.user_id)
) AS work;
