"""Next-item recommendation: what a learner is likely to open next that they have not opened yet."""
