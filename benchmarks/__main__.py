"""The budgets of time, measured side by side: `make bench`. Ratios of minima beside medians; the machine is noisy."""

from benchmarks import cold_start, warm_handler


def main() -> None:
    for benchmark in (cold_start, warm_handler):
        print(f"\n{benchmark.__doc__}", flush=True)
        benchmark.main()


if __name__ == "__main__":
    main()
