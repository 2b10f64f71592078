"""Who may come in: the administrator's own access keys."""

import lakefs
from harness import Place, case, equal, holds, raises
from lakefs.client import Client
from lakefs.exceptions import NotAuthorizedException
from lakefs_sdk import LoginInformation
from lakefs_sdk.exceptions import NotFoundException as SdkNotFound
from lakefs_sdk.exceptions import UnauthorizedException


@case("access keys: several at once, listed, got, gone when deleted", once=True)
def keys(place: Place) -> None:
    auth = place.sdk.auth_api
    user = auth.get_current_user().user.id
    equal(auth.get_user(user).id, user)
    holds(user in [one.id for one in auth.list_users().results], "the user is listed")
    made = [auth.create_credentials(user) for _ in range(3)]
    ids = sorted([place.server.access_key_id, *(key.access_key_id for key in made)])
    equal([key.access_key_id for key in auth.list_user_credentials(user).results], ids)
    page = auth.list_user_credentials(user, amount=2)
    equal(([key.access_key_id for key in page.results], page.pagination.has_more), (ids[:2], True))
    rest = auth.list_user_credentials(user, after=page.pagination.next_offset)
    equal([key.access_key_id for key in rest.results], ids[2:])
    equal([key.access_key_id for key in auth.list_user_credentials(user, prefix=ids[0]).results], ids[:1])
    for key in made:
        got = auth.get_credentials(user, key.access_key_id)
        equal((got.access_key_id, got.creation_date), (key.access_key_id, key.creation_date))
        theirs = place.server.client(key.access_key_id, key.secret_access_key)
        list(lakefs.repositories(client=theirs))
        login = LoginInformation(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key)
        session = Client(host=place.server.host, access_token=auth.login(login).token)
        equal(session.sdk_client.auth_api.get_current_user().user.id, user, "the token of a login")
        list(lakefs.repositories(client=session))
        auth.delete_credentials(user, key.access_key_id)
        with raises(NotAuthorizedException):
            list(lakefs.repositories(client=theirs))
        with raises(NotAuthorizedException):
            list(lakefs.repositories(client=session))
        with raises(UnauthorizedException):
            auth.login(login)
        for action in (auth.get_credentials, auth.delete_credentials):
            with raises(SdkNotFound):
                action(user, key.access_key_id)
    equal([key.access_key_id for key in auth.list_user_credentials(user).results], [place.server.access_key_id])


@case("a wrong key or secret is refused", once=True)
def strangers(place: Place) -> None:
    wrong = place.server.client(secret_access_key="wrong")
    nobody = place.server.client("AKIAJNOBODYATALLQ", "wrong")
    for client in (wrong, nobody):
        with raises(NotAuthorizedException):
            list(lakefs.repositories(client=client))
        with raises(NotAuthorizedException):
            lakefs.repository("anything", client=client).branch("main").commit("x")
        with raises(UnauthorizedException):
            client.sdk_client.auth_api.get_current_user()
