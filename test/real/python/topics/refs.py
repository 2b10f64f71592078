"""Tags and ref expressions."""

import lakefs_sdk
from harness import Place, case, equal, holds, raises
from lakefs.exceptions import BadRequestException, ConflictException, ForbiddenException, NotFoundException
from lakefs_sdk.exceptions import NotFoundException as SdkNotFound


@case("tags are made, listed by prefix and pages, got and deleted")
def tags(place: Place) -> None:
    repo = place.repository("tagging")
    main = repo.branch("main")
    main.object("a").upload(data="1")
    commit = main.commit("first")
    made = repo.tag("v1.0").create(commit)
    repo.tag("v1.1").create("main")
    repo.tag("v2.0").create(made)
    repo.tag("ünï").create("main~1")
    equal(made.get_commit().id, commit.id)
    equal(repo.tag("ünï").get_commit().id, commit.get_commit().parents[0])
    equal(repo.tag("v1.0").object("a").reader().read(), b"1")
    got = place.sdk.tags_api.get_tag(repo.id, "v1.0")
    equal((got.id, got.commit_id), ("v1.0", commit.id))

    def ids(**options) -> list[str]:
        return [tag.id for tag in repo.tags(**options)]

    equal(ids(), ["v1.0", "v1.1", "v2.0", "ünï"])
    equal(ids(amount=1), ids(), "by pages of one")
    equal(ids(prefix="v1"), ["v1.0", "v1.1"])
    equal(ids(after="v1.1", max_amount=1), ["v2.0"])
    with raises(ConflictException):
        repo.tag("v1.0").create("main")
    equal(repo.tag("v1.0").create("main~1", exist_ok=True).get_commit().id, commit.id, "exist_ok moves nothing")
    with raises(ConflictException):
        repo.tag("main").create(commit)
    with raises(NotFoundException):
        repo.tag("v3").create("nowhere")
    for name in ("a b", "x.lock", "a..b"):
        with raises(BadRequestException):
            repo.tag(name).create("main")
    made.delete()
    equal(ids(prefix="v1"), ["v1.1"])
    with raises(NotFoundException):
        made.delete()
    with raises(SdkNotFound):
        place.sdk.tags_api.get_tag(repo.id, "v1.0")


@case("tags of a read-only repository change only by force")
def tags_by_force(place: Place) -> None:
    repo = place.frozen("tagfrozen")
    with raises(ForbiddenException):
        repo.tag("v1").create("main")
    place.sdk.tags_api.create_tag(repo.id, lakefs_sdk.TagCreation(id="v1", ref="main", force=True))
    with raises(ForbiddenException):
        repo.tag("v1").delete()
    repo.tag("v1").delete(force=True)
    equal(list(repo.tags()), [])


@case("ref expressions reach ancestors, heads and staging")
def expressions(place: Place) -> None:
    repo = place.repository("expressing")
    main = repo.branch("main")
    commits = [main.head.id]
    for n in range(1, 4):
        main.object("a").upload(data=str(n))
        commits.append(main.commit(f"number {n}").id)
    main.object("a").upload(data="staged")
    repo.tag("tagged").create(commits[2])

    for expression, at in (
        ("main", 3),
        ("main@", 3),
        ("main~", 2),
        ("main~1", 2),
        ("main~2", 1),
        ("main~~", 1),
        ("main^", 2),
        ("main^1", 2),
        ("main^0", 3),
        ("main^^^", 0),
        ("main~1^", 1),
        ("main~3", 0),
        ("tagged", 2),
        ("tagged~1", 1),
        (f"{commits[3]}~1", 2),
        (commits[2], 2),
        (commits[2][:12], 2),
        (f"{commits[2][:12]}^", 1),
    ):
        equal(repo.ref(expression).get_commit().id, commits[at], expression)
    for expression, data in (
        ("main", b"staged"),
        ("main$", b"staged"),
        ("main@", b"3"),
        ("main~1", b"2"),
        ("tagged^", b"1"),
        (commits[3][:16], b"3"),
    ):
        equal(repo.ref(expression).object("a").reader().read(), data, expression)
        equal([entry.path for entry in repo.ref(expression).objects()], ["a"], expression)
    while len({commit[0] for commit in commits}) == len(commits):  # two of seventeen ids begin alike
        commits.append(main.commit("more", allow_empty=True).id)
    shared = next(commit[0] for commit in commits if sum(other[0] == commit[0] for other in commits) > 1)
    with raises(NotFoundException):
        repo.ref(shared).get_commit()
    with raises(NotFoundException):
        repo.branch("x").create(source_reference=shared)
    for expression in (f"main~{len(commits)}", "nowhere", "nowhere~1", "0" * 64, "f" * 12):
        with raises(NotFoundException):
            repo.ref(expression).get_commit()
    for expression in ("main$", "main~x", "main^2", "main@~1", "~1", "main~-1"):
        with raises(BadRequestException):
            repo.ref(expression).get_commit()
    with raises(BadRequestException):
        repo.branch("x").create(source_reference="main$")
    holds(not repo.ref(f"main~{len(commits) - 1}").object("a").exists(), "the first commit is empty")
