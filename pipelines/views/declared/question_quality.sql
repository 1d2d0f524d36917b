-- about: how well a question of an assessment separates learners who know more from those who know less
-- source: job assessment_stats
-- key: question_id, assessment_id
-- column assessment_id uuid:
-- column question_id uuid:
-- column institution_id uuid:
-- column course_id uuid:
-- column attempts bigint:
-- column correct bigint: right answers
-- column first_tries bigint: first attempts that were judged right or wrong
-- column first_correct bigint:
-- column share_correct_first_try double precision:
-- column mean_seconds numeric: mean time of an answer whose time is known
-- column discrimination double precision: point-biserial correlation of right first attempts with the points of the whole work (-1 to 1)
SELECT assessment_id, question_id, institution_id, course_id, attempts, correct, first_tries,
       first_correct, share_correct_first_try, mean_seconds, discrimination
FROM public.question_quality
