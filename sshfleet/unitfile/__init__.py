"""Unit-file text → data. Pure; text is kept byte for byte, errors name file and line."""
