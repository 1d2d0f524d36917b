-- Whether somebody teaches a course, as its first instructor or beside them.
CREATE FUNCTION runs_course(person UUID, course UUID) RETURNS BOOLEAN
LANGUAGE sql STABLE PARALLEL SAFE
RETURN teaches(person, course) OR EXISTS (
    SELECT FROM courses WHERE courses.id = course AND courses.instructor_id = person
);
