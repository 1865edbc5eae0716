"""Zoho's own client, zohocrmsdk8_0 7.0.0, drives the CRM of the sandbox: the proof that it speaks as CRM does."""

import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.zoho_merchant import START, Merchant, merchant


def sdk(module: str) -> Any:
    """A module of the client. Its old syntax warns when it is first compiled, which is not ours to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(f"zohocrmsdk.src.com.zoho.{module}")


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Merchant]:
    """The client, set up for a fresh sandbox; it fetches its own token."""
    with merchant() as found:
        centre = sdk("crm.api.dc.data_center").DataCenter
        token = sdk("api.authenticator.oauth_token").OAuthToken(
            client_id=found.zoho.client_id, client_secret=found.zoho.client_secret,
            refresh_token=found.zoho.refresh_token,
        )  # fmt: skip
        sdk("crm.api.initializer").Initializer.initialize(
            environment=centre.Environment(found.url, f"{found.url}/oauth/v2/token", found.url), token=token,
            store=sdk("api.authenticator.store").FileStore(str(tmp_path / "tokens.txt")),
            sdk_config=sdk("crm.api.sdk_config").SDKConfig(
                auto_refresh_fields=False, pick_list_validation=False, connect_timeout=5, read_timeout=5
            ),
            resource_path=str(tmp_path),
        )  # fmt: skip
        yield found


def record(**fields: object) -> Any:
    made = sdk("crm.api.record").Record()
    for name, value in fields.items():
        made.add_key_value(name, value)
    return made


def upsert(*records: Any, by: str = "Email") -> Any:
    of_records = sdk("crm.api.record")
    body = of_records.BodyWrapper()
    body.set_data(list(records))
    body.set_duplicate_check_fields([by])
    return of_records.RecordOperations("Contacts").upsert_records(body)


def word(choice: Any) -> Any:
    return choice.get_value() if hasattr(choice, "get_value") else choice


def test_it_upserts_and_the_sandbox_has_the_record(school: Merchant) -> None:
    reply = upsert(record(Last_Name="Payer", Email="ada@payers.example", Payer_Id="p-1"))
    (first,) = reply.get_object().get_data()
    assert (reply.get_status_code(), word(first.get_code()), word(first.get_action())) == (200, "SUCCESS", "insert")
    (second,) = upsert(record(Last_Name="Payer", Email="ada@payers.example", Phone="555 0100")).get_object().get_data()
    assert (word(second.get_action()), second.get_details()["id"]) == ("update", first.get_details()["id"])
    (kept,) = school.zoho.crm["Contacts"].values()
    assert (kept["Payer_Id"], kept["Phone"]) == ("p-1", "555 0100")


def test_it_reads_the_refusal_of_one_record_among_others(school: Merchant) -> None:
    reply = upsert(record(Last_Name="Good"), record(First_Name="Nameless"))
    assert reply.get_status_code() == 207
    assert [word(row.get_code()) for row in reply.get_object().get_data()] == ["SUCCESS", "MANDATORY_NOT_FOUND"]
    assert len(school.zoho.crm["Contacts"]) == 1


def test_it_searches_by_address(school: Merchant) -> None:
    upsert(record(Last_Name="Payer", Email="ada@payers.example"))
    of_records = sdk("crm.api.record")
    params = sdk("crm.api").ParameterMap()
    params.add(of_records.SearchRecordsParam.email, "ada@payers.example")
    reply = of_records.RecordOperations("Contacts").search_records(params)
    (found,) = reply.get_object().get_data()
    assert found.get_key_value("Last_Name") == "Payer"
    assert found.get_id() == int(next(iter(school.zoho.crm["Contacts"])))


def test_it_opens_a_channel_and_sees_when_it_expires(school: Merchant) -> None:
    of_channels = sdk("crm.api.notifications")
    channel = of_channels.Notification()
    channel.set_channel_id("1000000068001")
    channel.set_events(["Contacts.edit"])
    channel.set_notify_url("http://127.0.0.1:9/crm")
    channel.set_token("a token of ours")
    body = of_channels.BodyWrapper()
    body.set_watch([channel])
    reply = of_channels.NotificationsOperations().enable_notifications(body)
    (opened,) = reply.get_object().get_watch()
    assert word(opened.get_code()) == "SUCCESS"
    (event,) = opened.get_details()["events"]
    assert (event.get_channel_id(), event.get_channel_expiry().timestamp()) == (
        "1000000068001", START.timestamp() + 3600,
    )  # fmt: skip
    assert school.zoho.watches["1000000068001"].token == "a token of ours"


def test_it_gets_a_new_token_by_itself_and_keeps_it(school: Merchant) -> None:
    """One for the merchant of the fixture, one for the client, however often it calls."""
    for name in ("Ada", "Ben", "Cleo"):
        upsert(record(Last_Name=name), by="Last_Name")
    assert len(school.zoho.tokens) == 2
    assert len(school.zoho.crm["Contacts"]) == 3
