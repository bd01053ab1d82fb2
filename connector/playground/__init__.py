"""``putevents play``: a mapping and what becomes of sample records, side by side in the browser, on loopback alone.

What the page shows comes from the pipelines that ``run`` would run. The page sends the text and the samples at each
change and shows what comes back; it knows nothing of mappings itself.

| module | what it holds |
|---|---|
| sheet.py | the file on disk: read, and written back on request |
| samples.py | sample records as text that people edit |
| evaluating.py | a text and samples become problems, results, marks and tests |
| showing.py | one record's result in rows: calls, limits, explanation |
| marks.py | which rules and parts the samples and the tests use |
| desk.py | what the page can ask for |
| site.py | page.html, page.css, page.js and their requests over HTTP; nobody else's page gets in |
"""
