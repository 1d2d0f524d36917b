-- name: course.created
SELECT FROM courses WHERE id = %(course_id)s

-- name: course.updated
SELECT FROM courses WHERE id = %(course_id)s

-- name: course.published
SELECT FROM courses WHERE id = %(course_id)s AND (published_at IS NOT NULL OR status <> 'draft')

-- name: course.unpublished
SELECT FROM courses WHERE id = %(course_id)s

-- name: course.archived
SELECT FROM courses WHERE id = %(course_id)s AND status = 'archived'

-- name: course.copied
SELECT FROM courses
WHERE id = %(course_id)s AND (copied_from = %(copied_from)s OR copied_from IS NULL)

-- name: cohort.created
SELECT FROM cohorts WHERE id = %(cohort_id)s AND course_id = %(course_id)s

-- name: cohort.updated
SELECT FROM cohorts WHERE id = %(cohort_id)s AND course_id = %(course_id)s

-- name: cohort.joined
-- Whoever joined may have left since.
SELECT FROM cohorts, users
WHERE cohorts.id = %(cohort_id)s AND cohorts.course_id = %(course_id)s AND users.id = %(user_id)s

-- name: cohort.left
SELECT FROM cohorts, users
WHERE cohorts.id = %(cohort_id)s AND cohorts.course_id = %(course_id)s AND users.id = %(user_id)s

-- name: course.described
SELECT FROM course_descriptions
WHERE id = %(course_id)s AND course_id = %(course_id)s AND revision >= %(revision)s

-- name: module.described
SELECT FROM course_descriptions
WHERE id = %(module_id)s AND course_id = %(course_id)s AND revision >= %(revision)s

-- name: item.described
SELECT FROM course_descriptions
WHERE id = %(item_id)s AND course_id = %(course_id)s AND revision >= %(revision)s

-- name: assessment.described
SELECT FROM course_descriptions
WHERE id = %(assessment_id)s AND course_id = %(course_id)s AND revision >= %(revision)s

-- name: question.described
SELECT FROM course_descriptions
WHERE id = %(question_id)s AND course_id = %(course_id)s AND revision >= %(revision)s
