"""``putevents demo``: a shop's clickstream through the real connector, judged from outside."""
