"""Commits, the log and the uncommitted diff."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import lakefs
import lakefs_sdk
from harness import WORKERS, Place, case, equal, holds, raises
from lakefs.exceptions import BadRequestException, NotFoundException


@case("a commit keeps message, metadata and date")
def commit(place: Place) -> None:
    main = place.repository("committing").branch("main")
    main.object("a").upload(data="1")
    made = main.commit("große Änderung\nsecond line", metadata={"k": "v", "ключ": "☃"}, date=1_600_000_000)
    got = made.get_commit()
    equal((got.message, got.metadata), ("große Änderung\nsecond line", {"k": "v", "ключ": "☃"}))
    equal((got.creation_date, len(got.parents), len(got.meta_range_id)), (1_600_000_000, 1, 64))
    holds(got.committer, "it has a committer")
    equal(main.get_commit(), got)
    equal(main.head.id, got.id)
    again = place.sdk.commits_api.get_commit(made.repo_id, made.id)
    equal((again.id, again.version), (made.id, 1))
    holds(again.generation > place.sdk.commits_api.get_commit(made.repo_id, got.parents[0]).generation, "generation")


@case("an empty commit needs to be allowed")
def empty(place: Place) -> None:
    repo = place.repository("emptying")
    main = repo.branch("main")
    with raises(BadRequestException, "commit: no changes"):
        main.commit("nothing")
    made = main.commit("nothing, on purpose", allow_empty=True)
    equal(main.head.id, made.id)
    main.object("a").upload(data="x")
    main.object("a").delete()
    with raises(BadRequestException, "commit: no changes"):
        main.commit("came and went")
    with raises(NotFoundException):
        repo.branch("never").commit("x")
    with raises(NotFoundException):
        repo.commit("f" * 64).get_commit()


@case("writers and committers at the same time lose nothing")
def contention(place: Place) -> None:
    main = place.repository("contended").branch("main")

    def write_and_commit(worker: int) -> list[str]:
        made = []
        for n in range(5):
            main.object(f"{worker}/{n}").upload(f"{worker} {n}")
            try:
                made.append(main.commit(f"{worker} {n}").id)
            except BadRequestException as nothing_left:  # another's commit took it along
                holds("no changes" in str(nothing_left), str(nothing_left))
        return made

    with ThreadPoolExecutor(WORKERS) as pool:
        made = [commit for commits in pool.map(write_and_commit, range(WORKERS)) for commit in commits]
    equal(list(main.uncommitted()), [])
    every = sorted(f"{worker}/{n}" for worker in range(WORKERS) for n in range(5))
    equal([entry.path for entry in lakefs.Reference(main.repo_id, "main@", place.client).objects()], every)
    equal(sorted(commit.id for commit in list(main.log())[:-1]), sorted(made), "every commit is in the log, once")


@case("a ready metarange becomes a commit on a clean branch")
def source_metarange(place: Place) -> None:
    repo = place.repository("metarange")
    main = repo.branch("main")
    other = repo.branch("other").create(source_reference="main")
    for path in ("a", "b/c"):
        main.object(path).upload(data=path)
    tree = main.commit("tree").get_commit().meta_range_id
    api = place.sdk.commits_api
    made = api.commit(repo.id, "other", lakefs_sdk.CommitCreation(message="taken over"), source_metarange=tree)
    equal((made.meta_range_id, made.message), (tree, "taken over"))
    equal([entry.path for entry in other.objects()], ["a", "b/c"])
    equal(other.object("b/c").reader().read(), b"b/c")
    other.object("d").upload(data="dirty")
    with raises(lakefs_sdk.exceptions.BadRequestException, "uncommitted changes"):
        api.commit(repo.id, "other", lakefs_sdk.CommitCreation(message="x"), source_metarange=tree)
    holds(other.object("d").exists(), "what was uncommitted stays")


def history(place: Place, stem: str):
    """Ten commits, a minute apart, the n-th writing `dir<n % 2>/<n>`; newest first, without the first of the repository."""
    main = place.repository(stem).branch("main")
    made = []
    for n in range(10):
        main.object(f"dir{n % 2}/{n}").upload(data=str(n))
        made.insert(0, main.commit(f"number {n}", date=1_700_000_000 + n * 60).id)
    return main, made


@case("the log goes back by pages, after a commit, up to a limit, since a date and down to a commit")
def log(place: Place) -> None:
    main, made = history(place, "logging")
    first = lakefs.Reference(main.repo_id, made[-1], place.client).get_commit().parents[0]
    every = [*made, first]

    def ids(**options) -> list[str]:
        return [entry.id for entry in main.log(**options)]

    equal(ids(), every)
    equal(ids(amount=3), every, "by pages of three")
    equal(ids(max_amount=4), every[:4])
    equal(ids(after=made[2]), every[3:])
    equal(ids(amount=4, limit=True), every[:4], "limited")
    equal(ids(first_parent=True, amount=1), every)
    since = datetime.fromtimestamp(1_700_000_000 + 6 * 60, tz=timezone.utc)
    equal(ids(since=since), made[:4], "since, inclusive")
    with raises(BadRequestException, "since"):
        ids(since=datetime(2024, 1, 1))  # without a zone, which the server will not guess
    equal(ids(stop_at=made[5]), made[:6], "down to a commit, inclusive")
    equal(ids(stop_at="main~2", amount=1), made[:3], "down to an expression, by pages")
    equal(ids(since=since, stop_at=made[1]), made[:2], "whichever comes first")
    equal([entry.id for entry in main.log(amount=0)][:1], [made[0]], "amount 0 is the default")
    page = place.sdk.refs_api.log_commits(main.repo_id, "main", amount=3)
    equal((len(page.results), page.pagination.has_more, page.pagination.next_offset), (3, True, made[2]))
    with raises(NotFoundException):
        list(lakefs.Branch(main.repo_id, "never", place.client).log())
    with raises(NotFoundException):
        ids(stop_at="nowhere")


@case("the log of paths and prefixes has the commits that changed them")
def log_of_paths(place: Place) -> None:
    main, made = history(place, "logpaths")
    main.object("dir0/4").delete()
    removed = main.commit("remove one").id

    def ids(**options) -> list[str]:
        return [entry.id for entry in main.log(**options)]

    equal(ids(objects=["dir0/4"]), [removed, made[5]])
    equal(ids(objects=["dir0/4", "dir1/7"]), [removed, made[2], made[5]])
    equal(ids(prefixes=["dir1/"]), made[::2])
    equal(ids(prefixes=["dir1/"], amount=2), made[::2], "by pages of two")
    equal(ids(prefixes=["dir1/"], objects=["dir0/0"]), [*made[::2], made[9]])
    equal(ids(prefixes=["dir0/"], amount=2, limit=True), [removed, made[1]])
    equal(ids(objects=["never"]), [])


@case("the uncommitted diff has what a commit would change, by prefix, delimiter and pages")
def uncommitted(place: Place) -> None:
    main = place.repository("differing").branch("main")
    for path in ("a", "dir/1", "dir/2", "gone/1"):
        main.object(path).upload(data="old")
    main.commit("old")
    equal(list(main.uncommitted()), [])
    main.object("a").upload(data="longer")
    main.object("dir/sub/3").upload(data="new")
    main.object("gone/1").delete()
    main.object("z").upload(data="new")

    def changes(**options) -> list[tuple]:
        return [(change.type, change.path, change.path_type) for change in main.uncommitted(**options)]

    whole = [
        ("changed", "a", "object"),
        ("added", "dir/sub/3", "object"),
        ("removed", "gone/1", "object"),
        ("added", "z", "object"),
    ]
    equal(changes(), whole)
    equal(changes(amount=1), whole, "by pages of one")
    equal(changes(max_amount=2), whole[:2])
    equal(changes(after="dir/sub/3"), whole[2:])
    equal(changes(prefix="dir/"), whole[1:2])
    groups = [("changed", "a", "object"), ("prefix_changed", "dir/", "common_prefix"),
              ("prefix_changed", "gone/", "common_prefix"), ("added", "z", "object")]
    equal(changes(delimiter="/"), groups)
    equal(changes(delimiter="/", amount=1), groups, "groups by pages of one")
    equal(changes(prefix="dir/", delimiter="/"), [("prefix_changed", "dir/sub/", "common_prefix")])
    equal([change.size_bytes for change in main.uncommitted(max_amount=1)], [6])
    main.commit("new")
    equal(changes(), [])
