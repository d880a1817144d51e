"""Balancer: from orders to free workers."""
