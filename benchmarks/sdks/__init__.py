"""What a connection of an SDK costs, beside a plain subscriber of the same channels."""
