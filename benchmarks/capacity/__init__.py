"""What many connections need: a model, its measured coefficients, and what holds it to account."""
