"""The way of a plot from a file to a verdict: Feeder, Balancer, Predict, Keeper."""
