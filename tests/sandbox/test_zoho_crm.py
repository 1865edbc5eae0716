"""Zoho CRM in the sandbox: upsert record by record, search, channels and their unsigned callbacks."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.sandbox.zoho_merchant import START, Merchant, inbox, merchant

CRM = "/crm/v8"


@pytest.fixture
def school() -> Iterator[Merchant]:
    with merchant() as found:
        yield found


def upsert(school: Merchant, *records: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    reply = school.call(
        "POST", f"{CRM}/Contacts/upsert", {"data": list(records), "duplicate_check_fields": ["Payer_Id"]}
    )
    return reply.status_code, reply.json()["data"]


def test_an_upsert_inserts_then_updates_by_the_fields_named(school: Merchant) -> None:
    status, (first,) = upsert(school, {"Last_Name": "Payer", "Payer_Id": "p-1", "Nowhere": "x"})
    assert (status, first["code"], first["action"]) == (200, "SUCCESS", "insert")
    status, (second,) = upsert(school, {"Payer_Id": "p-1", "Billing_Status": "overdue"})
    assert (second["action"], second["duplicate_field"]) == ("update", "Payer_Id")
    assert second["details"]["id"] == first["details"]["id"]
    (record,) = school.get(f"{CRM}/Contacts/{first['details']['id']}")["data"]
    assert (record["Last_Name"], record["Billing_Status"]) == ("Payer", "overdue")
    assert "Nowhere" not in record  # a field that CRM does not have is passed over in silence


def test_every_record_has_its_own_answer(school: Merchant) -> None:
    good, nameless, odd = {"Last_Name": "A"}, {"First_Name": "B"}, {"Last_Name": "C", "Email": "no address"}
    status, rows = upsert(school, good, nameless, odd)
    assert status == 207
    assert [row["code"] for row in rows] == ["SUCCESS", "MANDATORY_NOT_FOUND", "INVALID_DATA"]
    assert rows[1]["details"]["json_path"] == "$.data[1].Last_Name"
    assert upsert(school, nameless)[0] == 202


def test_custom_fields_are_kept_once_they_were_made(school: Merchant) -> None:
    school.zoho.add_crm_field("Contacts", "Quarter", "text")
    _status, (row,) = upsert(school, {"Last_Name": "P", "Payer_Id": "p-1", "Quarter": "Q2"})
    assert school.get(f"{CRM}/Contacts/{row['details']['id']}")["data"][0]["Quarter"] == "Q2"
    names = [field["api_name"] for field in school.get(f"{CRM}/settings/fields", module="Contacts")["fields"]]
    assert "Quarter" in names


def test_search_finds_or_answers_204(school: Merchant) -> None:
    upsert(school, {"Last_Name": "Payer", "Email": "ada@payers.example", "Payer_Id": "p-1"})
    found = school.get(f"{CRM}/Contacts/search", email="ADA@payers.example")
    assert (len(found["data"]), found["info"]["more_records"]) == (1, False)
    by = {"criteria": "((Payer_Id:equals:p-1)and(Last_Name:starts_with:Pay))"}
    assert len(school.get(f"{CRM}/Contacts/search", **by)["data"]) == 1
    nothing = school.call("GET", f"{CRM}/Contacts/search", criteria="(Payer_Id:equals:p-2)")
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert school.call("GET", f"{CRM}/Contacts/search").json()["code"] == "REQUIRED_PARAM_MISSING"
    assert school.call("GET", f"{CRM}/Nowhere/search", word="x").json()["code"] == "INVALID_MODULE"


def test_callbacks_carry_token_and_channel_and_no_signature(school: Merchant) -> None:
    with inbox() as hooks:
        watch = {
            "channel_id": "1000000068001", "events": ["Contacts.edit"], "notify_url": hooks.url, "token": "t" * 50,
            "return_affected_field_values": True,
        }  # fmt: skip
        reply = school.call("POST", f"{CRM}/actions/watch", {"watch": [watch]})
        assert reply.status_code == 201
        (event,) = reply.json()["watch"][0]["details"]["events"]
        assert event["channel_expiry"] == (START + timedelta(hours=1)).isoformat()
        _status, (row,) = upsert(school, {"Last_Name": "Payer", "Payer_Id": "p-1"})  # an insert: not asked for
        record_id = row["details"]["id"]
        school.zoho.do("edit_in_crm", module="Contacts", record_id=record_id, field="Phone", value="555 0100")
        school.zoho.webhooks.deliver_due()
        ((_path, headers, _body),) = hooks.calls
        (told,) = hooks.bodies()
        assert "x-zoho-webhook-signature" not in headers
        assert (told["token"], told["channel_id"], told["operation"]) == ("t" * 50, "1000000068001", "update")
        assert told["ids"] == [record_id] and told["affected_fields"] == [{record_id: ["Phone"]}]
        assert told["affected_values"][0]["values"] == {"Phone": "555 0100"}


@pytest.mark.parametrize(("minutes", "calls"), [(59, 1), (60, 0)])
def test_a_channel_is_silent_once_it_has_expired(school: Merchant, minutes: int, calls: int) -> None:
    with inbox() as hooks:
        watch = {"channel_id": "7", "events": ["Contacts.all"], "notify_url": hooks.url}
        school.post(f"{CRM}/actions/watch", {"watch": [watch]})
        school.zoho.clock.advance(minutes=minutes)
        school.sign_in()
        upsert(school, {"Last_Name": "Payer"})
        school.zoho.webhooks.deliver_due()
        assert len(hooks.calls) == calls


def test_channels_are_checked_renewed_and_closed(school: Merchant) -> None:
    path = f"{CRM}/actions/watch"
    watch = {"channel_id": "7", "events": ["Deals.edit"], "notify_url": "http://127.0.0.1:9/", "token": "t" * 51}
    assert school.call("POST", path, {"watch": [watch]}).json()["code"] == "INVALID_DATA"
    watch["token"] = "t"
    school.post(path, {"watch": [watch]})
    for days, status in ((7, 200), (7.01, 400)):
        until = (START + timedelta(days=days)).isoformat()
        reply = school.call("PATCH", path, {"watch": [{"channel_id": "7", "channel_expiry": until}]})
        assert reply.status_code == status
    assert school.get(path)["watch"][0]["channel_expiry"] == (START + timedelta(days=7)).isoformat()
    assert school.call("DELETE", path, channel_ids="7").status_code == 200
    assert school.call("GET", path).status_code == 204
    assert school.call("DELETE", path, channel_ids="7").json()["code"] == "NOT_SUBSCRIBED"
