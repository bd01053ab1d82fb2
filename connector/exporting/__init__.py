"""`putevents export` and `putevents offsets`: history by the same mapping, as files for a bulk import.

Records are read once. What can be written at once is; events without a user and events with ids of their own wait in
files on disk, by the hash of their session or their id, until all was read. So memory is bounded whatever the size.

| module | what it holds |
|---|---|
| datasets.py | the datasets, one row each: operation, columns, limits |
| columns.py, cells.py | which columns there are, what was seen in them, and how a value is written |
| schema.py | the schema for CreateSchema |
| rows.py | an entry becomes a row, or is counted as left out |
| logins.py | which user a session belongs to, and when |
| folder.py, spill.py | the folder of an export; rows that wait in files |
| noted.py | what an export has noted, so that it goes on where it was killed |
| export.py, reading.py | one export, from its first record to its last file; the records, each counted once |
| finishing.py, parts.py | waiting rows find their user or are left out; files below the size limit |
| cutover.py, committing.py | where `run` begins; committing that for the group |
| uploading.py | files to Amazon S3 |
| summary.py | what the user is told at the end |
"""
