"""What chasing asks: timelines as they stand, what holds them, who is due."""
