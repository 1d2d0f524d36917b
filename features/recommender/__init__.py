"""What the recommender's ranker sees, defined once for training and serving."""
