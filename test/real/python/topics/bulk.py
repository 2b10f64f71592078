"""More than a page: a thousand objects at once."""

from concurrent.futures import ThreadPoolExecutor

from harness import WORKERS, Place, case, equal, raises
from lakefs.exceptions import BadRequestException


@case("more than a thousand objects: written by many, listed, deleted in two goes")
def thousand(place: Place) -> None:
    main = place.repository("bulk").branch("main")
    every = [f"many/{n:04}" for n in range(1005)]
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda path: main.object(path).upload(path), every))
    equal([entry.path for entry in main.objects()], every)
    equal([entry.path for entry in main.objects(amount=1000)], every, "by pages of a thousand")
    commit = main.commit("many")
    equal([entry.path for entry in commit.objects(prefix="many/", after="many/0500")], every[501:])
    equal([entry.path for entry in commit.objects(delimiter="/")], ["many/"])
    with raises(BadRequestException, "max paths is set to 1000"):
        main.delete_objects(every)
    equal(len(list(main.objects())), len(every), "a refused delete deletes nothing")
    for batch in (every[:1000], every[1000:]):
        equal(main.delete_objects(main.object(path) for path in batch).errors, [])
    equal(list(main.objects()), [])
    equal([change.type for change in main.uncommitted(amount=1000)], ["removed"] * len(every))
    main.commit("none")
    equal(list(main.objects()), [])
    equal(len(list(commit.objects())), len(every), "the first commit has them all")
