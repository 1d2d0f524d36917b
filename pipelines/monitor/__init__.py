"""What an operator watches: how far each reader is, how old checkpoints are, what is refused."""
