"""The agent: what it chooses from and what it knows, its env and policy, training, and the tuning of PPO."""
