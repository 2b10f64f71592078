"""What the server tells of itself."""

import lakefs_sdk
from harness import Place, case, equal, holds, raises
from lakefs_sdk.exceptions import BadRequestException as SdkBadRequest


@case("version, health and setup state", once=True)
def version(place: Place) -> None:
    holds(all(part.isdigit() for part in place.client.version.split(".")), place.client.version)
    equal(place.sdk.internal_api.get_lake_fs_version().version, place.client.version)
    equal(place.sdk.health_check_api.health_check_with_http_info().status_code, 204)
    equal(place.sdk.internal_api.get_setup_state().state, "initialized")
    equal(place.sdk.internal_api.get_garbage_collection_config().grace_period, 86_400)
    holds(place.sdk.internal_api.get_usage_report_summary().installation_id, "an installation id")


@case("the configuration has this storage and what it can do")
def config(place: Place) -> None:
    told = place.sdk.config_api.get_config()
    holds(told.storage_config.blockstore_type, "the single storage of older clients")
    own = [one for one in told.storage_config_list if one.blockstore_id == place.id]
    equal([(one.blockstore_type, one.pre_sign_support) for one in own], [(place.type, place.presigns)])
    equal(place.client.storage_config_by_id(place.id).pre_sign_support, place.presigns_unasked)


@case("statistics are accepted, and refused when they are none", once=True)
def statistics(place: Place) -> None:
    event = {"class": "python", "name": "first_floor", "count": 2}
    post = place.sdk.internal_api.post_stats_events_with_http_info
    equal(post(lakefs_sdk.StatsEventsList(events=[lakefs_sdk.StatsEvent(**event)])).status_code, 204)
    with raises(SdkBadRequest, "count"):
        post(lakefs_sdk.StatsEventsList(events=[lakefs_sdk.StatsEvent(**{**event, "count": -1})]))
