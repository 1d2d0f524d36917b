"""What every HTTP process of ours stands behind: who asks, may they, how often, and its health."""
