""".venv/bin/python -m scripts.contract writes the contract. With --release also as that of the last release."""

import argparse

from scripts.contract.changes import breaking_changes
from scripts.contract.files import RELEASED, SERVED, contract_texts, current_contract, read_contract
from scripts.local.aws import REPOSITORY


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", action="store_true", help="record this contract as the released one")
    args = parser.parse_args()
    for name, text in contract_texts().items():
        (REPOSITORY / name).write_text(text, encoding="utf-8")
        print(f"wrote {name}")
    for line in breaking_changes(read_contract(RELEASED), current_contract()):
        print(f"breaks the released contract: {line}")
    if args.release:
        RELEASED.write_text(SERVED.read_text(encoding="utf-8"), encoding="utf-8")
        print(f"wrote {RELEASED.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
