"""The sections of a report, one file for each kind of content; each takes numbers and gives sentences, charts and tables."""
