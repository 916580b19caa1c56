"""What the command tells of itself: --help, the man page, completions, and a D lexer."""
