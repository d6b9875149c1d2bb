"""``make evidence``: run every long proof; name some to run only those (``python -m benchmarks.evidence world``)."""

import importlib
import pkgutil
import sys
import time
from pathlib import Path

from benchmarks import evidence

OUT = Path(__file__).parents[2] / "reports" / "evidence"


def main() -> None:
    """Run the proofs named on the command line, all of them where none is."""
    wanted = set(sys.argv[1:])
    known = sorted(module.name for module in pkgutil.iter_modules(evidence.__path__) if not module.name.startswith("_"))
    if unknown := wanted - set(known):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    OUT.mkdir(parents=True, exist_ok=True)
    for name in known:
        if wanted and name not in wanted:
            continue
        print(f"== {name}", flush=True)
        started = time.perf_counter()
        importlib.import_module(f"benchmarks.evidence.{name}").run(OUT)
        print(f"   {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
