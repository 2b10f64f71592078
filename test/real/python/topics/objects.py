"""Objects: written in every way, described, listed, copied, deleted."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import lakefs
import lakefs_sdk
from harness import WORKERS, Place, case, equal, holds, raises
from lakefs.exceptions import (
    BadRequestException,
    NotFoundException,
    ObjectExistsException,
    ObjectNotFoundException,
)
from lakefs_sdk.exceptions import ApiException
from lakefs_sdk.exceptions import NotFoundException as SdkNotFound

ODD_KEYS = (
    " leading and trailing ",
    "%25 %2F 100%",
    "a+b=c&d?e#f",
    "//double//slash//",
    "/leading slash",
    "a/../b/./c",
    "back\\slash",
    "quote\"s 'n' `ticks`",
    "tab\tnew\nline",
    "ünï/日本語/😀",
    "~tilde^caret@at$dollar",
    "x" * 1024,
)


def uploads(place: Place) -> list[bool | None]:
    """The ways an upload goes: as the client chooses, through the server, and straight to the storage where it can."""
    return [None, False, True] if place.presigns else [None, False]


@case("text, bytes and written pieces arrive as they were sent, on every way")
def upload(place: Place) -> None:
    main = place.repository("uploading").branch("main")
    for way in uploads(place):
        for name, data, mode in (("text", "grüße\n", "w"), ("bytes", bytes(range(256)) * 9, "wb"), ("none", b"", "wb")):
            path = f"{way}/{name}"
            obj = main.object(path).upload(data, mode, pre_sign=way, content_type="text/x-odd; a=b", metadata={"k": "v"})
            raw = data.encode() if isinstance(data, str) else data
            stat = obj.stat()
            equal((stat.path, stat.size_bytes, stat.checksum), (path, len(raw), hashlib.md5(raw).hexdigest()))
            equal((stat.content_type, stat.metadata), ("text/x-odd; a=b", {"k": "v"}), path)
            holds(place.is_own(stat.physical_address, main.repo_id), "it lies in the repository's namespace")
            equal(obj.reader().read(), raw, path)
        with main.object(f"{way}/pieces").writer("wb", pre_sign=way) as writer:
            for n in range(100):
                writer.write(b"%08d" % n)
                equal(writer.tell(), 8 * (n + 1))
        equal(main.object(f"{way}/pieces").reader().read(), b"".join(b"%08d" % n for n in range(100)))
        big = hashlib.sha256(b"seed").digest() * 200_000
        main.object(f"{way}/big").upload(big, "wb", pre_sign=way)
        equal(hashlib.md5(main.object(f"{way}/big").reader().read()).hexdigest(), hashlib.md5(big).hexdigest(), "6.4 MB")
    spooled = bytes(40_000_000)  # more than the client keeps in memory
    main.object("spooled").upload(spooled, "wb")
    equal(main.object("spooled").stat().checksum, hashlib.md5(spooled).hexdigest(), "40 MB")
    with raises(RuntimeError):
        with main.object("discarded").writer("wb") as writer:
            writer.write(b"x")
            raise RuntimeError("the writer gives up")
    holds(not main.object("discarded").exists(), "what was given up is not there")
    form = place.sdk.objects_api.upload_object(main.repo_id, "main", "form", content=b"as a form")
    equal((form.size_bytes, main.object("form").reader().read()), (9, b"as a form"))


@case("an exclusive write never replaces what is there")
def exclusive(place: Place) -> None:
    main = place.repository("exclusive").branch("main")
    for way in uploads(place):
        obj = main.object(f"{way}/once")
        obj.upload("first", "x", pre_sign=way)
        with raises(ObjectExistsException):
            obj.upload("second", "x", pre_sign=way)
        # Somebody else is faster, between the client's own check and its write.
        late = main.object(f"{way}/late").writer("xb", pre_sign=way)
        late.write(b"late")
        main.object(f"{way}/late").upload("early")
        with raises(ObjectExistsException):
            late.close()
        equal([main.object(f"{way}/{name}").reader("r").read() for name in ("once", "late")], ["first", "early"])

    def attempt(n: int) -> int | None:
        try:
            main.object("race").upload(str(n), "x")
            return n
        except ObjectExistsException:
            return None

    with ThreadPoolExecutor(WORKERS) as pool:
        winners = [n for n in pool.map(attempt, range(WORKERS)) if n is not None]
    equal([main.object("race").reader("r").read()], [str(n) for n in winners], "one of many at once")
    api = place.sdk.objects_api
    with raises(ApiException, "Precondition", status=412):
        api.upload_object(main.repo_id, "main", "None/once", content=b"x", if_none_match="*")
    api.upload_object(main.repo_id, "main", "fresh", content=b"x", if_none_match="*")
    main.commit("committed objects are there too")
    with raises(ApiException, status=412):
        api.upload_object(main.repo_id, "main", "fresh", content=b"x", if_none_match="*")
    with raises(NotFoundException):
        lakefs.Branch(main.repo_id, "never", place.client).object("a").upload("x", pre_sign=False)


@case("odd keys come back as they were sent, from every operation")
def odd_keys(place: Place) -> None:
    main = place.repository("odd").branch("main")
    for key in ODD_KEYS:
        main.object(key).upload(data=key)
    expected = sorted(ODD_KEYS, key=str.encode)
    equal([entry.path for entry in main.objects()], expected)
    equal([entry.path for entry in main.objects(amount=1)], expected, "by pages of one")
    equal([change.path for change in main.uncommitted(amount=1)], expected, "in the diff")
    ref = main.commit("odd keys")
    for key in ODD_KEYS:
        obj = ref.object(key)
        equal((obj.stat().path, obj.exists(), obj.reader("r").read()), (key, True, key))
        equal([entry.path for entry in ref.objects(prefix=key)], [key], "as a prefix")
    for key in ODD_KEYS[:-1]:
        copied = main.object(key).copy("main", f"{key}→")
        equal(copied.reader("r").read(), key)
        copied.delete()
        holds(not copied.exists(), "a deleted copy is gone")
    equal(main.delete_objects(ODD_KEYS).errors, [])
    equal(list(main.objects()), [])
    for key in ("", "x" * 1025):
        with raises(BadRequestException):
            main.object(key).upload("x", pre_sign=False)


@case("listings go by pages, prefixes and delimiters, with metadata and URLs on demand")
def listing(place: Place) -> None:
    main = place.repository("listed").branch("main")
    committed = ["a", "dir/1", "dir/2", "dir/sub/3", "dir0", "z/9"]
    for path in committed:
        main.object(path).upload(path, metadata={"of": path})
    main.commit("some")
    for path in ("b", "dir/1", "dir/4"):
        main.object(path).upload("staged", metadata={"of": "staged"})
    main.object("dir/2").delete()
    every = ["a", "b", "dir/1", "dir/4", "dir/sub/3", "dir0", "z/9"]

    def paths(**options) -> list[str]:
        return [entry.path for entry in main.objects(**options)]

    equal(paths(), every)
    equal(paths(amount=1), every, "by pages of one")
    equal(paths(max_amount=3), every[:3])
    equal(paths(after="dir/4"), every[4:])
    equal(paths(prefix="dir/"), every[2:5])
    equal(paths(prefix="nothing"), [])
    groups = ["a", "b", "dir/", "dir0", "z/"]
    equal(paths(delimiter="/"), groups)
    equal(paths(delimiter="/", amount=1), groups, "groups by pages of one")
    equal(paths(delimiter="/", prefix="dir/"), ["dir/1", "dir/4", "dir/sub/"])
    equal(paths(delimiter="/", after="dir/"), ["dir0", "z/"])
    kinds = [type(entry).__name__ for entry in main.objects(delimiter="/")]
    equal(kinds, ["ObjectInfo", "ObjectInfo", "CommonPrefix", "ObjectInfo", "CommonPrefix"])
    told = {entry.path: entry.metadata for entry in main.objects()}
    equal((told["a"], told["dir/1"]), ({"of": "a"}, {"of": "staged"}))
    holds(not any(entry.metadata for entry in main.objects(user_metadata=False)), "no metadata when not wanted")
    with raises(NotFoundException):
        list(lakefs.Branch(main.repo_id, "never", place.client).objects())


@case("a copy has bytes of its own")
def copy(place: Place) -> None:
    repo = place.repository("copying")
    main = repo.branch("main")
    other = repo.branch("other").create(source_reference="main")
    source = main.object("from").upload("first", content_type="text/x-a", metadata={"k": "v"})
    main.commit("first")
    copied = main.object("from").copy("other", "to/here")
    before, after = source.stat(), copied.stat()
    holds(before.physical_address != after.physical_address, "addresses differ")
    equal(
        (after.checksum, after.size_bytes, after.content_type, after.metadata),
        (before.checksum, 5, "text/x-a", {"k": "v"}),
    )
    source.upload("second")
    source.delete()
    equal(other.object("to/here").reader("r").read(), "first")
    equal(repo.ref("main@").object("from").copy("main", "back").reader("r").read(), "first")
    with raises(NotFoundException):
        main.object("never").copy("other", "x")
    with raises(NotFoundException):
        main.object("back").copy("never", "x")


@case("user metadata is replaced, the rest stays")
def user_metadata(place: Place) -> None:
    repo = place.repository("annotating")
    main = repo.branch("main")
    main.object("a").upload("data", content_type="text/x-a", metadata={"old": "1"})
    commit = main.commit("one")
    api = place.sdk.objects_api
    before = main.object("a").stat()
    api.update_object_user_metadata(
        repo.id, "main", "a", lakefs_sdk.UpdateObjectUserMetadata(set={"Näme": "ü ☃", "empty": ""})
    )
    after = main.object("a").stat()
    equal(after.metadata, {"Näme": "ü ☃", "empty": ""})
    equal((after.checksum, after.physical_address, after.content_type, after.mtime),
          (before.checksum, before.physical_address, before.content_type, before.mtime))
    equal(commit.object("a").stat().metadata, {"old": "1"}, "the commit keeps its own")
    equal(main.object("a").reader("r").read(), "data")
    equal(api.stat_object(repo.id, "main", "a", user_metadata=False).metadata or {}, {})
    with raises(SdkNotFound):
        api.update_object_user_metadata(repo.id, "main", "never", lakefs_sdk.UpdateObjectUserMetadata(set={}))


@case("a deleted object is gone from its branch alone")
def delete(place: Place) -> None:
    main = place.repository("deleting").branch("main")
    for path in ("a", "b", "c"):
        main.object(path).upload(path)
    commit = main.commit("three")
    main.object("a").delete()
    main.object("staged").upload("x")
    main.object("staged").delete()
    main.object("never").delete()
    main.object("never").delete(no_tombstone=True)
    holds(not main.object("a").exists(), "gone")
    for action in (main.object("a").stat, lambda: main.object("a").reader().read(), main.object("staged").stat):
        with raises(ObjectNotFoundException):
            action()
    equal(commit.object("a").reader().read(), b"a")
    equal(main.delete_objects(main.object("b")).errors, [])
    equal([entry.path for entry in main.objects()], ["c"])
    equal([change.path for change in main.uncommitted()], ["a", "b"])
    main.commit("one is left")
    equal([entry.path for entry in main.objects()], ["c"])
    equal(main.delete_objects("never").errors, [])
    with raises(NotFoundException):
        lakefs.Branch(main.repo_id, "never", place.client).delete_objects(["a"])
    with raises(ObjectNotFoundException):
        lakefs.Branch(main.repo_id, "never", place.client).object("a").delete()
