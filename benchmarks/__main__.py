"""``make bench``: run every benchmark of this folder that exposes ``run()``."""

import importlib
import pkgutil

import benchmarks

for module in sorted(pkgutil.iter_modules(benchmarks.__path__), key=lambda found: found.name):
    if module.ispkg or module.name.startswith("_"):
        continue
    found = importlib.import_module(f"benchmarks.{module.name}")
    if hasattr(found, "run"):
        print(f"\n== {module.name}")
        found.run()
