"""Repositories: made, listed, described, read-only, with sample data, deleted."""

import lakefs
import lakefs_sdk
from harness import Place, case, equal, holds, raises
from lakefs.exceptions import BadRequestException, ConflictException, ForbiddenException, NotFoundException
from lakefs_sdk.exceptions import ForbiddenException as SdkForbidden


@case("a repository has the properties it was made with, and its default branch")
def create(place: Place) -> None:
    repo = place.repository("made", default_branch="trunk")
    got = lakefs.repository(repo.id, client=place.client).properties
    equal(got, repo.properties, "properties")
    equal((got.id, got.default_branch, got.storage_id), (repo.id, "trunk", place.id))
    equal(got.storage_namespace, f"{place.namespace}/{repo.id}")
    equal([branch.id for branch in repo.branches()], ["trunk"])
    equal([commit.message for commit in repo.branch("trunk").log()], ["Repository created"])
    equal(list(repo.branch("trunk").objects()), [])


@case("what is in use is refused, and exist_ok takes what is there")
def in_use(place: Place) -> None:
    repo = place.repository("taken", default_branch="trunk")
    again = lakefs.Repository(repo.id, client=place.client)
    elsewhere = f"{place.namespace}/{place.fresh('elsewhere')}"
    with raises(ConflictException):
        again.create(storage_namespace=elsewhere, storage_id=place.id)
    equal(again.create(storage_namespace=elsewhere, storage_id=place.id, exist_ok=True).properties, repo.properties)
    with raises(BadRequestException):
        lakefs.Repository(place.fresh("same"), client=place.client).create(
            storage_namespace=repo.properties.storage_namespace, storage_id=place.id
        )
    with raises(BadRequestException):
        lakefs.Repository(place.fresh("bad"), client=place.client).create(
            storage_namespace=elsewhere, storage_id=place.id, default_branch="no/branch"
        )
    for namespace, storage_id in ((elsewhere, "nowhere"), ("gs://of-another/kind", place.id)):
        with raises(BadRequestException):
            lakefs.Repository(place.fresh("bad"), client=place.client).create(
                storage_namespace=namespace, storage_id=storage_id
            )


@case("a bare repository has no branch until one is restored")
def bare(place: Place) -> None:
    repo = place.repository("bare", bare=True)
    equal(lakefs.repository(repo.id, client=place.client).properties.default_branch, "main")
    equal(list(repo.branches()), [])
    repo.delete()


@case("sample data is there in a commit of its own, readable, on a protected branch")
def sample_data(place: Place) -> None:
    repo = place.repository("sample", include_samples=True)
    main = repo.branch("main")
    equal([commit.message for commit in main.log()][0], "Add sample data")
    listed = list(main.objects())
    holds(len(listed) > 1, "sample files are listed")
    equal(list(main.uncommitted()), [], "nothing uncommitted")
    for entry in listed:
        with main.object(entry.path).reader() as reader:
            equal(len(reader.read()), entry.size_bytes, entry.path)
    rules = place.sdk.repositories_api.get_branch_protection_rules(repo.id)
    equal([rule.pattern for rule in rules], ["main"], "protection")
    with raises(ForbiddenException):
        main.object("mine").upload(data="x", pre_sign=False)


@case("a read-only repository changes only by force")
def read_only(place: Place) -> None:
    repo = place.frozen("frozen")
    main = repo.branch("main")
    sdk = place.sdk
    holds(sdk.repositories_api.get_repository(repo.id).read_only, "it says that it is read-only")
    text = "read-only repository"
    with raises(ForbiddenException, text):
        main.object("a").upload(data="x", pre_sign=False)
    with raises(ForbiddenException, text):
        main.commit("x", allow_empty=True)
    with raises(ForbiddenException, text):
        repo.branch("b").create(source_reference="main")
    with raises(ForbiddenException, text):
        repo.tag("t").create("main")
    with raises(SdkForbidden, text):
        main.reset_changes()
    sdk.objects_api.upload_object(repo.id, "main", "a", content=b"forced", force=True)
    equal(main.object("a").reader().read(), b"forced")
    main.commit("forced", force=True)
    repo.branch("b").create(source_reference="main", force=True)
    equal([branch.id for branch in repo.branches()], ["b", "main"])
    errors = main.delete_objects(["a"]).errors
    equal([(error.path, error.status_code) for error in errors], [("a", 403)], "each path is refused")
    holds(main.object("a").exists(), "and stays")
    with raises(ForbiddenException, text):
        repo.branch("b").delete()
    repo.branch("b").delete(force=True)
    with raises(ForbiddenException, text):
        repo.delete()
    repo.delete(force=True)
    with raises(NotFoundException):
        list(repo.branches())


@case("metadata of a repository: set, got, removed by key")
def metadata(place: Place) -> None:
    repo = place.repository("described")
    internal = place.sdk.internal_api
    equal(repo.metadata, {})
    internal.set_repository_metadata(repo.id, lakefs_sdk.RepositoryMetadataSet(metadata={"owner": "ana", "ключ ☃": "ü"}))
    internal.set_repository_metadata(repo.id, lakefs_sdk.RepositoryMetadataSet(metadata={"owner": "bo"}))
    equal(repo.metadata, {"owner": "bo", "ключ ☃": "ü"})
    internal.delete_repository_metadata(repo.id, lakefs_sdk.RepositoryMetadataKeys(keys=["ключ ☃", "unknown"]))
    equal(repo.metadata, {"owner": "bo"})
    with raises(NotFoundException):
        lakefs.repository("never-there", client=place.client).metadata  # noqa: B018 (a property that asks the server)


@case("repositories are listed by prefix, search and pages")
def listing(place: Place) -> None:
    stem = place.fresh("listed")
    names = [f"{stem}-{end}" for end in ("a", "b-odd", "c", "d-odd", "e")]
    for name in names:
        lakefs.Repository(name, client=place.client).create(
            storage_namespace=f"{place.namespace}/{name}", storage_id=place.id
        )

    def ids(**options) -> list[str]:
        return [repo.id for repo in lakefs.repositories(client=place.client, **options)]

    equal(ids(prefix=stem), names)
    equal(ids(prefix=stem, amount=2), names, "by pages of two")
    equal(ids(prefix=stem, after=names[1]), names[2:])
    equal(ids(prefix=stem, search="-odd", amount=1), [names[1], names[3]])
    equal(ids(prefix=stem, search="nothing"), [])
    equal(ids(prefix=f"{stem}-zz"), [])
    holds(set(names) <= set(ids()), "all are in the whole list")


@case("a deleted repository is gone, its name is free again")
def delete(place: Place) -> None:
    repo = place.repository("gone")
    repo.branch("main").object("a").upload(data="x")
    repo.delete()
    for action in (
        lambda: repo.delete(),
        lambda: list(repo.branches()),
        lambda: repo.branch("main").get_commit(),
        lambda: list(repo.ref("main").objects()),
    ):
        with raises(NotFoundException):
            action()
    holds(repo.id not in [r.id for r in lakefs.repositories(client=place.client)], "not listed")
    lakefs.Repository(repo.id, client=place.client).create(
        storage_namespace=f"{place.namespace}/{repo.id}-again", storage_id=place.id
    )
    equal(list(repo.branch("main").objects()), [], "and starts empty")
