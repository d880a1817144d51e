"""The application: one command line with a subcommand for every role and chore."""
