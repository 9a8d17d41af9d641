"""The command line: what operators and national systems type, with documented exit statuses."""
