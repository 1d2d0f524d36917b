"""The entities that features describe."""

from features.view import Entity

LEARNER = Entity("learner", "user_id", "A person who studies, by the LMS's user id")
ITEM = Entity("item", "item_id", "A piece of content of one course")
