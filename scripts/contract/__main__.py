""".venv/bin/python -m scripts.contract: writes the contract down. With --release also as that of the last release."""

import argparse

from scripts.contract.changes import breaking
from scripts.contract.files import RELEASED, REPOSITORY, SERVED, made, read, texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", action="store_true", help="this is released: later changes are judged by it")
    args = parser.parse_args()
    for name, text in texts().items():
        (REPOSITORY / name).write_text(text, encoding="utf-8")
        print(f"wrote {name}")
    for line in breaking(read(RELEASED), made()):
        print(f"breaks what was released: {line}")
    if args.release:
        RELEASED.write_text(SERVED.read_text(encoding="utf-8"), encoding="utf-8")
        print(f"wrote {RELEASED.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
