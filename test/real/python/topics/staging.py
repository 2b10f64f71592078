"""Addresses handed out and linked, and objects staged where they lie."""

import urllib.request

import lakefs_sdk
from harness import Place, case, equal, holds, raises
from lakefs_sdk.exceptions import ApiException
from lakefs_sdk.exceptions import BadRequestException as SdkBadRequest
from lakefs_sdk.exceptions import NotFoundException as SdkNotFound


def said(location, checksum: str = "c0ffee", size_bytes: int = 5, **more) -> lakefs_sdk.StagingMetadata:
    return lakefs_sdk.StagingMetadata(staging=location, checksum=checksum, size_bytes=size_bytes, **more)


@case("an address handed out is linked once, on its own path and branch")
def link(place: Place) -> None:
    repo = place.repository("linking")
    main = repo.branch("main")
    api = place.sdk.staging_api
    repo.branch("other").create(source_reference="main")
    location = api.get_physical_address(repo.id, "main", "p/a ü")
    holds(place.is_own(location.physical_address, repo.id), "it lies in the repository's namespace")
    equal(location.presigned_url, None)
    for branch, path in (("main", "p/b"), ("other", "p/a ü")):
        with raises(SdkBadRequest, "invalid address"):
            api.link_physical_address(repo.id, branch, path, said(location))
    linked = api.link_physical_address(
        repo.id, "main", "p/a ü", said(location, user_metadata={"k": "ü"}, content_type="text/x-l", mtime=1_600_000_000)
    )
    equal((linked.path, linked.size_bytes, linked.checksum, linked.mtime), ("p/a ü", 5, "c0ffee", 1_600_000_000))
    equal((linked.content_type, linked.metadata), ("text/x-l", {"k": "ü"}))
    stat = main.object("p/a ü").stat()
    equal((stat.physical_address, stat.metadata), (linked.physical_address, {"k": "ü"}))
    later = api.get_physical_address(repo.id, "main", "p/a ü")
    with raises(ApiException, "Precondition", status=412):
        api.link_physical_address(repo.id, "main", "p/a ü", said(later), if_none_match="*")
    with raises(SdkNotFound):
        api.link_physical_address(repo.id, "never", "p/a ü", said(later))
    with raises(SdkNotFound):
        api.get_physical_address("never-there", "main", "a")


@case("bytes go straight to the storage by a presigned URL, where it has them")
def presigned_upload(place: Place) -> None:
    main = place.repository("straight").branch("main")
    api = place.sdk.staging_api
    if not place.presigns:
        with raises(SdkBadRequest, "cannot presign"):
            api.get_physical_address(main.repo_id, "main", "a", presign=True)
        return
    location = api.get_physical_address(main.repo_id, "main", "a", presign=True)
    holds(location.presigned_url_expiry > 1_700_000_000, "it tells when it ends")
    request = urllib.request.Request(location.presigned_url, data=b"hello", method="PUT", headers={"Content-Type": ""})
    with urllib.request.urlopen(request) as answer:
        etag = answer.headers["ETag"]
    api.link_physical_address(main.repo_id, "main", "a", said(location, etag))
    equal(main.object("a").reader().read(), b"hello")
    main.commit("straight")
    equal((main.object("a").stat().size_bytes, main.object("a").stat().checksum), (5, etag.strip('"')))


@case("an object outside is staged by its address, one of another repository is not")
def stage(place: Place) -> None:
    main = place.repository("staging").branch("main")
    foreign = place.repository("foreign").branch("main")
    foreign.object("a").upload("x")
    api = place.sdk.internal_api

    def creation(address: str) -> lakefs_sdk.ObjectStageCreation:
        return lakefs_sdk.ObjectStageCreation(
            physical_address=address, checksum="abc", size_bytes=3, mtime=1_600_000_000, metadata={"k": "v"}
        )

    outside = f"{place.addresses}outside/of/all"
    api.upload_object_preflight(main.repo_id, "main", "s")
    staged = api.stage_object(main.repo_id, "main", "s", creation(outside))
    equal((staged.physical_address, staged.size_bytes, staged.mtime), (outside, 3, 1_600_000_000))
    equal((main.object("s").stat().checksum, main.object("s").stat().metadata), ("abc", {"k": "v"}))
    theirs = foreign.object("a").stat(pre_sign=False).physical_address
    with raises(SdkBadRequest):
        api.stage_object(main.repo_id, "main", "t", creation(theirs))
    with raises(SdkBadRequest):
        api.stage_object(main.repo_id, "main", "t", creation("no address"))


@case("the tables of a commit are found below, and none that are not there")
def tables(place: Place) -> None:
    main = place.repository("tables").branch("main")
    main.object("a").upload("x")
    commit = main.commit("one").get_commit()
    internal, metadata = place.sdk.internal_api, place.sdk.metadata_api
    found = metadata.get_meta_range(main.repo_id, commit.meta_range_id)
    equal(found.location, f"_lakefs/{commit.meta_range_id}")
    table = internal.get_metadata_object(main.repo_id, commit.meta_range_id, "meta_range")
    holds(len(table) > 0, "it has bytes")
    if place.presigns:
        equal(internal.get_metadata_object(main.repo_id, commit.meta_range_id, "meta_range", presign=True), table)
    for kind in ("range", "meta_range"):
        with raises(SdkNotFound):
            internal.get_metadata_object(main.repo_id, "0" * 64, kind)
    with raises(SdkNotFound):
        metadata.get_range(main.repo_id, "0" * 64)


@case("symlink files name the addresses of each folder")
def symlinks(place: Place) -> None:
    repo = place.repository("symlinks")
    main = repo.branch("main")
    for path in ("t/top", "t/x/1", "u/other"):
        main.object(path).upload(data=path)
    answer = place.sdk.internal_api.create_symlink_file(repo.id, "main", location="t/")
    holds(answer.location.endswith("/symlinks"), f"where they lie: {answer.location}")
    with raises(SdkNotFound):
        place.sdk.internal_api.create_symlink_file(repo.id, "never")
