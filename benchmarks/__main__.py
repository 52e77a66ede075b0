"""The budgets, measured side by side: `make bench`. Of time: ratios of minima beside medians; the machine is noisy."""

from benchmarks import cold_start, history_reads, live_delay, usage_reads, warm_handler


def main() -> None:
    for benchmark in (cold_start, warm_handler, history_reads, usage_reads, live_delay):
        print(f"\n{benchmark.__doc__}", flush=True)
        benchmark.main()


if __name__ == "__main__":
    main()
