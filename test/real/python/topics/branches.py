"""Branches: made, hidden, listed, protected, reset, deleted."""

import lakefs
import lakefs_sdk
from harness import Place, case, equal, holds, raises
from lakefs.exceptions import BadRequestException, ConflictException, ForbiddenException, NotFoundException, PermissionException
from lakefs_sdk.exceptions import ApiException
from lakefs_sdk.exceptions import BadRequestException as SdkBadRequest
from lakefs_sdk.exceptions import ForbiddenException as SdkForbidden
from lakefs_sdk.exceptions import NotFoundException as SdkNotFound


def paths(ref) -> list[str]:
    return [entry.path for entry in ref.objects()]


@case("branches start where their source is and then go their own way")
def create(place: Place) -> None:
    repo = place.repository("branching")
    main = repo.branch("main")
    main.object("a").upload(data="1")
    first = main.commit("first")
    main.object("a").upload(data="2")
    equal(repo.branch("from-main").create(source_reference="main").head.id, first.id)
    equal(repo.branch("from-commit").create(source_reference=first).head.id, first.id)
    equal(repo.branch("from-expression").create(source_reference="main~1").head.id, first.get_commit().parents[0])
    side = repo.branch("from-main")
    equal(side.object("a").reader().read(), b"1", "the source's uncommitted changes stay there")
    side.object("b").upload(data="side")
    equal(paths(main), ["a"])
    side.commit("side")
    equal(main.head.id, first.id)
    with raises(ConflictException):
        repo.branch("from-main").create(source_reference="main")
    repo.branch("from-main").create(source_reference="main", exist_ok=True)
    holds(side.head.id != first.id, "exist_ok moves nothing")
    with raises(NotFoundException):
        repo.branch("x").create(source_reference="nowhere")
    for name in ("a/b", "a b", "x.lock", "a..b", "-a"):
        with raises(BadRequestException):
            repo.branch(name).create(source_reference="main")
    with raises(NotFoundException):
        repo.branch("never").head  # noqa: B018 (a property that asks the server)


@case("branches are listed by prefix and pages, hidden ones only on demand")
def listing(place: Place) -> None:
    repo = place.repository("listing")
    for name in ("dev-1", "dev-2", "dev-3", "zeta"):
        repo.branch(name).create(source_reference="main")
    hidden = repo.branch("dev-hidden").create(source_reference="main", hidden=True)

    def ids(**options) -> list[str]:
        return [branch.id for branch in repo.branches(**options)]

    equal(ids(), ["dev-1", "dev-2", "dev-3", "main", "zeta"])
    equal(ids(amount=2), ids(), "by pages of two")
    equal(ids(prefix="dev-"), ["dev-1", "dev-2", "dev-3"])
    equal(ids(prefix="dev-", show_hidden=True, amount=1), ["dev-1", "dev-2", "dev-3", "dev-hidden"])
    equal(ids(after="dev-3"), ["main", "zeta"])
    equal(ids(max_amount=2), ["dev-1", "dev-2"])
    hidden.object("a").upload(data="hidden ones work")
    hidden.commit("hidden")
    equal(len(list(hidden.log())), 2)
    with raises(NotFoundException):
        list(lakefs.repository("never-there", client=place.client).branches())


@case("a protected branch takes nothing, and says so by the right exceptions")
def protection(place: Place) -> None:
    repo = place.repository("protected")
    api = place.sdk.repositories_api
    stable = repo.branch("stable-1").create(source_reference="main")
    free = repo.branch("free").create(source_reference="main")
    stable.object("staged").upload(data="before")
    equal(api.get_branch_protection_rules(repo.id), [])
    api.set_branch_protection_rules(repo.id, [lakefs_sdk.BranchProtectionRule(pattern="stable-*")])
    equal([rule.pattern for rule in api.get_branch_protection_rules(repo.id)], ["stable-*"])
    with raises(ForbiddenException, "cannot write to protected branch"):
        stable.object("a").upload(data="x", pre_sign=False)
    with raises(PermissionException):
        stable.object("staged").delete()
    with raises(ForbiddenException, "cannot commit to protected branch"):
        stable.commit("x")
    with raises(SdkForbidden, "cannot write to protected branch"):
        stable.reset_changes()
    equal([e.status_code for e in stable.delete_objects(["staged", "never"]).errors], [403, 403])
    with raises(ForbiddenException):
        free.object("source").upload(data="s").copy("stable-1", "copied")
    location = place.sdk.staging_api.get_physical_address(repo.id, "stable-1", "linked")
    with raises(SdkForbidden):
        place.sdk.staging_api.link_physical_address(
            repo.id, "stable-1", "linked", lakefs_sdk.StagingMetadata(staging=location, checksum="c", size_bytes=1)
        )
    equal(paths(stable), ["staged"])
    free.commit("free")
    answer = api.get_branch_protection_rules_with_http_info(repo.id)
    etag = answer.headers["ETag"]
    with raises(ApiException, status=412):
        api.set_branch_protection_rules(repo.id, [], if_match="f" * 64)
    api.set_branch_protection_rules(repo.id, [], if_match=etag)
    stable.commit("again")
    with raises(SdkBadRequest):
        api.set_branch_protection_rules(repo.id, [lakefs_sdk.BranchProtectionRule(pattern="[a")])


@case("the older way to protect, rule by rule, and its preflight")
def protection_by_rule(place: Place) -> None:
    repo = place.repository("ruled")
    internal = place.sdk.internal_api
    internal.create_branch_protection_rule_preflight(repo.id)
    for pattern in ("one", "two"):
        internal.internal_create_branch_protection_rule(repo.id, lakefs_sdk.BranchProtectionRule(pattern=pattern))
    equal(sorted(rule.pattern for rule in internal.internal_get_branch_protection_rules(repo.id)), ["one", "two"])
    request = lakefs_sdk.InternalDeleteBranchProtectionRuleRequest(pattern="one")
    internal.internal_delete_branch_protection_rule(repo.id, request)
    equal([rule.pattern for rule in internal.internal_get_branch_protection_rules(repo.id)], ["two"])
    with raises(SdkNotFound):
        internal.internal_delete_branch_protection_rule(repo.id, request)


@case("a reset takes back one path, a prefix, or everything uncommitted")
def reset(place: Place) -> None:
    repo = place.repository("resetting")
    main = repo.branch("main")
    for path in ("a", "dir/1", "dir/2"):
        main.object(path).upload(data="old")
    main.commit("old")

    def change() -> None:
        main.object("a").upload(data="new")
        main.object("dir/1").delete()
        main.object("dir/3").upload(data="new")

    change()
    main.reset_changes("object", "a")
    equal(main.object("a").reader().read(), b"old")
    equal(paths(main), ["a", "dir/2", "dir/3"])
    main.reset_changes("common_prefix", "dir/")
    equal(paths(main), ["a", "dir/1", "dir/2"])
    equal(list(main.uncommitted()), [])
    change()
    main.reset_changes()
    equal(paths(main), ["a", "dir/1", "dir/2"])
    with raises(BadRequestException, "no changes"):
        main.commit("nothing is left")
    with raises(SdkNotFound):
        repo.branch("never").reset_changes()
    with raises(SdkBadRequest):
        main.reset_changes("object", "")


@case("a deleted branch is gone, the default branch stays")
def delete(place: Place) -> None:
    repo = place.repository("pruning")
    branch = repo.branch("gone").create(source_reference="main")
    branch.object("a").upload(data="x")
    branch.delete()
    with raises(NotFoundException):
        branch.delete()
    with raises(NotFoundException):
        branch.head  # noqa: B018 (a property that asks the server)
    with raises(NotFoundException):
        branch.commit("x")
    with raises(ForbiddenException):
        repo.branch("main").delete()
    again = repo.branch("gone").create(source_reference="main")
    equal(paths(again), [], "what was uncommitted does not come back")
