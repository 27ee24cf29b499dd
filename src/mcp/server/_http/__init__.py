"""The parts of the HTTP server transports: checks and formats that decide, and thin pieces that move bytes."""
