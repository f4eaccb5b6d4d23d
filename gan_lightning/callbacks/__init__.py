"""What happens between iterations: measuring, scoring, pictures, checkpoints, progress."""
