"""The page of `putevents play`: what it shows, who may see it, and how it is used."""
