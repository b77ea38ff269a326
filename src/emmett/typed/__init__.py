"""Values with types: decoding and encoding by annotation, and every fault of a value with its path."""
