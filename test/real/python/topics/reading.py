"""Objects read: whole, by ranges, as files, conditionally, by URL."""

import io
import os
import urllib.error
import urllib.request

import lakefs
from harness import Place, case, equal, holds, raises
from lakefs.exceptions import BadRequestException, ObjectNotFoundException
from lakefs_sdk.exceptions import ApiException
from lakefs_sdk.exceptions import NotFoundException as SdkNotFound

DATA = bytes(range(256)) * 40


def ways(place: Place) -> list[bool | None]:
    """The ways a read goes: as the client chooses, through the server, and straight from the storage where it can."""
    return [None, False, True] if place.presigns else [None, False]


@case("readers seek and read ranges like files do")
def ranges(place: Place) -> None:
    main = place.repository("ranging").branch("main")
    main.object("data").upload(DATA, "wb")
    main.object("empty").upload(b"", "wb")
    main.object("lines").upload("one\nzwei ü\n\nlast", "w")
    commit = main.commit("data")
    for ref in (main, commit):
        for way in ways(place):
            with ref.object("data").reader("rb", pre_sign=way) as reader:
                equal(reader.read(10), DATA[:10])
                equal((reader.read(5), reader.tell()), (DATA[10:15], 15))
                equal((reader.seek(1000), reader.read(300)), (1000, DATA[1000:1300]))
                equal((reader.seek(-100, os.SEEK_CUR), reader.read(1)), (1200, DATA[1200:1201]))
                equal((reader.seek(-7, os.SEEK_END), reader.read(100)), (len(DATA) - 7, DATA[-7:]))
                equal(reader.read(10), b"", "at the end")
                equal((reader.seek(5000), reader.read()), (5000, DATA[5000:]))
                reader.seek(0)
                equal(reader.read(), DATA)
            with ref.object("data").reader("rb", pre_sign=way) as reader:
                reader.seek(len(DATA) + 5)
                equal(reader.read(1), b"", "behind the end")
            with ref.object("empty").reader("rb", pre_sign=way) as reader:
                equal((reader.read(), reader.read(1)), (b"", b""), "empty")
            with ref.object("empty").reader("rb", pre_sign=way) as reader:
                equal(reader.read(10), b"", "a range of nothing")
            with ref.object("lines").reader("r", pre_sign=way) as reader:
                equal(list(reader), ["one\n", "zwei ü\n", "\n", "last"])
            equal(io.BytesIO(ref.object("data").reader(pre_sign=way).read()).getvalue(), DATA)
    for kind, action in (
        (ObjectNotFoundException, lambda: main.object("never").reader(pre_sign=False).read()),
        (ObjectNotFoundException, lambda: commit.object("never").stat()),
    ):
        with raises(kind):
            action()


@case("heads, stats and conditional reads")
def head(place: Place) -> None:
    main = place.repository("heading").branch("main")
    main.object("a b").upload(DATA, "wb", content_type="text/x-h")
    api = place.sdk.objects_api
    where = (main.repo_id, "main", "a b")
    headers = api.head_object_with_http_info(*where).headers
    stat = main.object("a b").stat()
    equal((headers["Content-Length"], headers["Content-Type"]), (str(len(DATA)), "text/x-h"))
    equal((headers["ETag"].strip('"'), headers["Accept-Ranges"]), (stat.checksum, "bytes"))
    holds(headers["Last-Modified"], "Last-Modified")
    part = api.head_object_with_http_info(*where, range="bytes=10-19")
    equal((part.status_code, part.headers["Content-Length"], part.headers["Content-Range"]),
          (206, "10", f"bytes 10-19/{len(DATA)}"))
    with raises(ApiException, status=416):
        api.head_object(*where, range=f"bytes={len(DATA)}-")
    with raises(ApiException, status=416):
        api.get_object(*where, range=f"bytes={len(DATA)}-")
    got = api.get_object_with_http_info(*where, range="bytes=-3")
    equal((got.status_code, bytes(got.data)), (206, DATA[-3:]))
    with raises(ApiException, status=304):
        api.get_object(*where, if_none_match=headers["ETag"])
    equal(bytes(api.get_object(*where, if_none_match='"other"')), DATA)
    main.object("page.html").upload("<script>", content_type="text/html")
    page = api.get_object_with_http_info(main.repo_id, "main", "page.html").headers
    equal((page["Content-Type"], page["Content-Disposition"]), ("text/html", "inline"), "a page is shown")
    safe = (page["X-Content-Type-Options"], page["Content-Security-Policy"])
    equal(safe, ("nosniff", "default-src 'none'; sandbox"), "without its scripts")
    equal(got.headers["Content-Disposition"], "attachment", "an unknown type is saved")
    with raises(SdkNotFound):
        api.head_object(main.repo_id, "main", "never")
    equal((main.object("a b").exists(), main.object("never").exists()), (True, False))
    equal(lakefs.Branch(main.repo_id, "never", place.client).object("a b").exists(), False)


@case("URLs of the storage serve objects without credentials, where it has them")
def presigned(place: Place) -> None:
    main = place.repository("signed").branch("main")
    main.object("dir/a ü+%.txt").upload(DATA, "wb")
    main.object("dir/sub/b").upload("b")
    main.commit("some")
    obj = main.object("dir/a ü+%.txt")
    if not place.presigns:
        with raises(BadRequestException, "cannot presign"):
            obj.stat(pre_sign=True)
        with raises(BadRequestException, "cannot presign"):
            obj.reader(pre_sign=True).read()
        with raises(BadRequestException, "cannot presign"):
            list(main.objects(presign=True))
        return
    stat = obj.stat(pre_sign=True)
    holds(stat.physical_address_expiry and stat.physical_address_expiry > stat.mtime, "it tells when it ends")
    equal(fetch(stat.physical_address), (200, DATA))
    equal(fetch(stat.physical_address, {"Range": "bytes=1-3"}), (206, DATA[1:4]))
    equal(fetch(stat.physical_address.replace("X-Amz-Signature=", "X-Amz-Signature=0"))[0], 403, "a forged one")
    listed = list(main.objects(prefix="dir/", delimiter="/", presign=True))
    equal([entry.path for entry in listed], ["dir/a ü+%.txt", "dir/sub/"])
    equal(fetch(listed[0].physical_address), (200, DATA))
    plain = main.object("dir/a ü+%.txt").stat(pre_sign=False)
    holds(plain.physical_address.startswith("s3://"), "and the plain address on demand")


def fetch(url: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """What a plain client gets, without any lakeFS or AWS library."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {})) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


@case("properties of the object below")
def underlying(place: Place) -> None:
    main = place.repository("below").branch("main")
    main.object("a").upload("x")
    api = place.sdk.objects_api
    told = api.get_underlying_properties(main.repo_id, "main", "a")
    holds(told.storage_class is None or isinstance(told.storage_class, str), "a storage class or none")
    with raises(SdkNotFound):
        api.get_underlying_properties(main.repo_id, "main", "never")
