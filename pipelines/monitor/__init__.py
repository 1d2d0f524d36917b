"""What an operator watches: the lag of each reader, the age of checkpoints, dead letters."""
