"""The input of the recommender's ranker, defined once for training and serving."""
