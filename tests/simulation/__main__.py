import sys
from tests.simulation.run import run_seed

r = run_seed(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
print(r.violation)
print("\n".join(r.steps))
print(r.operations)
print(r.counts)
print(r.cpu_seconds, r.operations.total() / r.cpu_seconds, r.virtual_hours, r.checksum)
