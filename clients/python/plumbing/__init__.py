"""What all clients of the agent share. A further client does not touch it."""
