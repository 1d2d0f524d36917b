SELECT institution_id, item_id, segment, watches, learners, repeats FROM video_heat
