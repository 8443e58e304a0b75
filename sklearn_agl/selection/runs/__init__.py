"""Long runs: their states on disk, what they have found so far, and fits side by side."""
