"""The commands of this repository and the local stack behind them. Not deployed."""
