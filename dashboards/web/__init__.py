"""The built-in page: live panels and a learner's recommendations, served by one small process."""
