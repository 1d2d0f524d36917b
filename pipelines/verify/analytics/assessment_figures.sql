SELECT assessment_id, institution_id, course_id, submissions, learners, graded, rated, passed, late,
       late_by_ms, round(score_sum, 6)::float8 AS score_sum,
       array_to_string(score_histogram, ',') AS histogram
FROM assessment_stats
