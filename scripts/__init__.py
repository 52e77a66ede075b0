"""What people type: run, demo and the stack behind them. Never deployed."""
