"""The main job with the published Python client, unmodified: real files onto every storage, committed, listed, read back, and found
where the storage keeps them. Settings come from the environment (see main-job.mjs); prints one line a check and a closing count."""

import hashlib
import io
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlparse

import boto3
import lakefs
import lakefs_sdk
import matplotlib
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet
import sklearn
from lakefs.client import Client
from lakefs.exceptions import BadRequestException, ConflictException, NotAuthorizedException, NotFoundException
from sklearn import datasets

SETTINGS = json.loads(os.environ["INTERLAKEN_MAIN_JOB"])
WORKERS = 8
passed = failed = 0


def check(name, condition, detail=""):
    global passed, failed
    if condition:
        passed += 1
        print(f"ok {name}")
    else:
        failed += 1
        print(f"FAILED {name} {detail}")


def raises(kind, action):
    try:
        action()
    except kind:
        return True
    except Exception as other:  # the detail names what came instead
        print(f"   got {type(other).__name__}: {other}")
    return False


def tables():
    """The sample tables of scikit-learn as CSV and as Parquet, partitioned by their target."""
    for name in ("iris", "wine", "breast_cancer", "diabetes", "digits"):
        frame = getattr(datasets, f"load_{name}")()
        columns = {f"f{i}": frame.data[:, i] for i in range(frame.data.shape[1])}
        table = pa.table({**columns, "target": frame.target})
        sink = io.BytesIO()
        pyarrow.csv.write_csv(table, sink)
        yield f"tables/{name}/all.csv", sink.getvalue(), "text/csv"
        for value in sorted(set(frame.target.tolist()))[:12]:
            part = table.filter(pa.compute.equal(table["target"], value))
            sink = io.BytesIO()
            pyarrow.parquet.write_table(part, sink)
            yield f"tables/{name}/target={value}/part-0.parquet", sink.getvalue(), "application/vnd.apache.parquet"


def tree(root, prefix, limit):
    """Up to `limit` files below `root`, as they are."""
    count = 0
    for path in sorted(Path(root).rglob("*")):
        if count == limit:
            return
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 8 << 20:
            count += 1
            yield f"{prefix}/{path.relative_to(root).as_posix()}", path.read_bytes(), "application/octet-stream"


def dataset():
    yield from tables()
    yield from tree(Path(sklearn.__file__).parent / "datasets", "images/scikit-learn", 200)
    yield from tree(matplotlib.get_data_path(), "images/matplotlib", 600)
    yield from tree(SETTINGS["source_tree"], "source", SETTINGS["source_files"])
    yield "odd keys/ü ~ + % & = ? # é/日本語 😀.txt", "odd".encode(), "text/plain; charset=utf-8"
    yield "odd keys//double//slash/", b"", "text/plain"


def load(client, storage, files):
    name = f"job-{storage['id']}"
    repo = lakefs.Repository(name, client=client).create(
        storage_namespace=storage["namespace"], storage_id=storage["id"], default_branch="main"
    )
    check(f"{name}: created on its storage", repo.properties.storage_id == storage["id"], repo.properties)
    main = repo.branch("main")
    started = time.monotonic()
    branch = repo.branch("load").create(source_reference="main")

    def upload(item):
        path, data, content_type = item
        branch.object(path).upload(data=data, mode="wb", content_type=content_type, metadata={"md5": hashlib.md5(data).hexdigest()})

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(upload, files))
    seconds = time.monotonic() - started
    total = sum(len(data) for _, data, _ in files)
    print(f"   {len(files)} files, {total / 1e6:.1f} MB in {seconds:.1f} s on {storage['id']}")

    commit = branch.commit("load the data", metadata={"files": str(len(files)), "source": "wheels"})
    check(f"{name}: commit carries message and metadata", commit.get_commit().metadata == {"files": str(len(files)), "source": "wheels"})
    check(f"{name}: nothing left to commit", raises(BadRequestException, lambda: branch.commit("again")))

    expected = {path: data for path, data, _ in files}
    listed = {entry.path: entry for entry in repo.ref(commit.id).objects(max_amount=100_000)}
    check(f"{name}: the commit lists every file once", sorted(listed) == sorted(expected))
    check(f"{name}: in byte order", list(listed) == sorted(listed, key=lambda key: key.encode()))
    wrong = [p for p, e in listed.items() if e.checksum != hashlib.md5(expected[p]).hexdigest() or e.size_bytes != len(expected[p])]
    check(f"{name}: checksums and sizes in the listing", not wrong, wrong[:3])
    check(f"{name}: user metadata in the listing", all(e.metadata["md5"] == e.checksum for e in listed.values()))
    prefixes = [entry.path for entry in repo.ref(commit.id).objects(prefix="tables/", delimiter="/")]
    check(f"{name}: common prefixes", prefixes == sorted({f"tables/{p.split('/')[1]}/" for p in expected if p.startswith("tables/")}))
    check(f"{name}: main is still empty", next(iter(main.objects()), None) is None)

    def read(path):
        with repo.ref(commit.id).object(path).reader(mode="rb") as reader:
            return path if hashlib.md5(reader.read()).hexdigest() != listed[path].checksum else None

    with ThreadPoolExecutor(WORKERS) as pool:
        bad = [path for path in pool.map(read, listed) if path]
    check(f"{name}: every file reads back with its checksum", not bad, bad[:3])

    parquet = next(path for path in listed if path.endswith(".parquet"))
    with branch.object(parquet).reader(mode="rb") as reader:
        table = pyarrow.parquet.read_table(reader)
    check(f"{name}: pyarrow reads a partition by ranges", table.num_rows > 0)
    log = list(branch.log(max_amount=10))
    check(f"{name}: log", [c.message for c in log] == ["load the data", "Repository created"], log)
    check(f"{name}: head", branch.head.id == commit.id)

    found = sum(1 for entry in listed.values() if bytes_at(storage, entry.physical_address) == expected[entry.path])
    check(f"{name}: the storage keeps the bytes of all {len(listed)} files", found == len(listed), f"{found} of {len(listed)}")

    branch.object(parquet).delete()
    check(f"{name}: a deleted object is gone from the branch", not branch.object(parquet).exists())
    check(f"{name}: and still in the commit", repo.ref(commit.id).object(parquet).exists())
    branch.commit("remove one")
    check(f"{name}: one fewer after the commit", sum(1 for _ in branch.objects(max_amount=100_000)) == len(listed) - 1)


def bytes_at(storage, address):
    """What lies at a physical address, read without the server."""
    url = urlparse(address)
    if url.scheme == "local":
        return Path(address.removeprefix("local://")).read_bytes()
    s3 = boto3.client("s3", **storage["boto3"])
    return s3.get_object(Bucket=url.netloc, Key=url.path.lstrip("/"))["Body"].read()


def refusals(client, storages):
    first = storages[0]
    sdk = client.sdk_client
    check("unknown storage is refused", raises(BadRequestException, lambda: lakefs.Repository("no-storage", client=client).create(
        storage_namespace=first["namespace"] + "-x", storage_id="nowhere")))
    check("a name in use is refused", raises(ConflictException, lambda: lakefs.Repository(f"job-{first['id']}", client=client).create(
        storage_namespace=first["namespace"] + "-y", storage_id=first["id"])))
    check("a namespace in use is refused", raises(BadRequestException, lambda: lakefs.Repository("same-place", client=client).create(
        storage_namespace=first["namespace"], storage_id=first["id"])))
    check("a missing repository is a 404", raises(NotFoundException, lambda: sdk_call(lambda: sdk.repositories_api.get_repository("missing"))))
    stranger = Client(host=SETTINGS["host"], username=SETTINGS["access_key_id"], password="wrong")
    check("a wrong secret is refused", raises(NotAuthorizedException, lambda: list(lakefs.repositories(client=stranger))))


def sdk_call(action):
    with lakefs.exceptions.api_exception_handler():
        return action()


def main():
    print(f"lakefs {lakefs.__version__ if hasattr(lakefs, '__version__') else ''} lakefs_sdk {lakefs_sdk.__version__}")
    client = Client(host=SETTINGS["host"], username=SETTINGS["access_key_id"], password=SETTINGS["secret_access_key"])
    check("server version parses", all(part.isdigit() for part in client.version.split(".")), client.version)
    files = list(dataset())
    check("as many files as promised", len(files) >= SETTINGS["least_files"], len(files))
    for storage in SETTINGS["storages"]:
        load(client, storage, files)
    check("every repository is listed", {r.id for r in lakefs.repositories(client=client)} >= {f"job-{s['id']}" for s in SETTINGS["storages"]})
    refusals(client, SETTINGS["storages"])
    print(f"{passed} passed, {failed} failed")
    sys.exit(0 if failed == 0 else 1)


main()
