"""Measure the budgets: `make bench`, or selected benchmarks: `python -m benchmarks cold_start`.

Times are compared by the ratio of minima and of medians, because machines are noisy.
"""

import sys

from benchmarks import bill, cold_start, history_reads, live_delay, usage_reads, warm_handler


def main() -> None:
    for benchmark in (bill, cold_start, warm_handler, history_reads, usage_reads, live_delay):
        if sys.argv[1:] and benchmark.__name__.removeprefix("benchmarks.") not in sys.argv[1:]:
            continue
        print(f"\n{benchmark.__doc__}", flush=True)
        benchmark.main()


if __name__ == "__main__":
    main()
