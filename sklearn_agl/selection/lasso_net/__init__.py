"""LassoNet: a network whose linear skip connection bounds the weights of its first layer."""
