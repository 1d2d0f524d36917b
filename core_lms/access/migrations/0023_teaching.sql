-- Whether somebody teaches a course beside its first instructor: a role whose scope is the course.
CREATE INDEX user_roles_of_scope ON user_roles (scope, user_id) WHERE scope LIKE 'course:%';

CREATE FUNCTION teaches(person UUID, course UUID) RETURNS BOOLEAN
LANGUAGE sql STABLE PARALLEL SAFE
RETURN person IS NOT NULL AND EXISTS (
    SELECT FROM user_roles
    WHERE user_id = person AND scope = 'course:' || course AND role_name = 'instructor'
);
