"""Every basic operation with the published Python packages, unmodified, on every storage of one server. Settings come from the
environment (see first-floor.mjs); prints one line a case and a closing count."""

import json
import os
import sys
import time

import lakefs_sdk
from harness import CASES, Place, Server, run_case

# Importing them registers their cases.
from topics import access, branches, bulk, commits, objects, reading, refs, repositories, server, staging  # noqa: F401


def main() -> None:
    settings = json.loads(os.environ["INTERLAKEN_FIRST_FLOOR"])
    print(f"lakefs_sdk {lakefs_sdk.__version__}, {len(CASES)} cases")
    here = Server(settings["host"], settings["access_key_id"], settings["secret_access_key"])
    client = here.client()
    places = [Place(server=here, client=client, **storage) for storage in settings["storages"]]
    results = []
    for place in places:
        started = time.monotonic()
        for case in CASES:
            if not case.once or place is places[0]:
                title = case.title if case.once else f"{place.id}: {case.title}"
                results.append(run_case(title, lambda: case.run(place)))
        print(f"   {place.id}: {time.monotonic() - started:.1f} s")
    failed = results.count(False)
    print(f"{results.count(True)} passed, {failed} failed")
    sys.exit(0 if failed == 0 else 1)


main()
