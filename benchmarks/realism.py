"""How real the invented city is: measures it and writes docs/realism.md.

    python benchmarks/realism.py [--check]
"""

import argparse
from pathlib import Path

from kit.city import realism

PAGE = Path(__file__).resolve().parent.parent / "docs" / "realism.md"


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--check", action="store_true", help="write nothing; say whether the page still holds")
    given = ask.parse_args()
    text = realism.as_markdown(realism.measure(), realism.hours_of_trips(), realism.register_profile())
    print(text)
    if given.check:
        same = PAGE.read_text(encoding="utf-8") == text
        print("docs/realism.md holds." if same else "docs/realism.md differs: run without --check.")
        raise SystemExit(not same)
    PAGE.write_text(text, encoding="utf-8", newline="\n")
    print(f"Written: docs/{PAGE.name}")


if __name__ == "__main__":
    main()
