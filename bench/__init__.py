"""The benchmark: naive code, good code by hand, and the connector, on the same topic and the same endpoint.

Each contender, the endpoint and the broker are processes of their own, watched from outside through /proc and the
endpoint's counters, so that none is measured by itself and each figure can name what bound it.

| module | what it holds |
|---|---|
| streams | the clickstreams and the fewest calls that could carry them (pure) |
| figures | samples to figures: rates, costs, percentiles, what was the bottleneck (pure) |
| tables, plots | results to markdown and SVG |
| system, stage | processes and what they use; broker, endpoint, topics |
| hand_written, stranger | what runs beside the connector, as processes |
| runs | one contender from start to figures |
| sizes | how large a run is: whole, or quick |
| scenarios/ | what is compared; a module each |
| compare, programs | this connector beside that of another folder, interpreter or build, in turns |
| ratios | rounds of the two to medians, ratios and their spread (pure) |
| loop_costs, sampling | where the connector's own time goes |

It uses the processes and the broker of ``tests``; nothing uses it.
"""
