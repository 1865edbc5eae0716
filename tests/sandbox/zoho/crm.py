"""Zoho CRM v8: records, upsert, search, and the metadata that the official SDK asks for first."""

import re
from typing import Any

from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request
from tests.sandbox.zoho.crm_watch import Watching
from tests.sandbox.zoho.gate import CRM
from tests.sandbox.zoho.words import Refused, dump, json_answer, page_asked, read_json

# Module → (api_name, data_type, mandatory). A field that is not known is passed over in silence, as CRM does.
FIELDS: dict[str, list[tuple[str, str, bool]]] = {
    "Contacts": [
        ("Last_Name", "text", True), ("First_Name", "text", False), ("Email", "email", False),
        ("Phone", "phone", False), ("Mobile", "phone", False), ("Description", "textarea", False),
        ("Mailing_Street", "text", False), ("Mailing_City", "text", False), ("Mailing_Zip", "text", False),
        ("Payer_Id", "text", False), ("Open_Balance", "currency", False), ("Billing_Status", "text", False),
    ],
    "Leads": [
        ("Last_Name", "text", True), ("First_Name", "text", False), ("Company", "text", False),
        ("Email", "email", False), ("Phone", "phone", False),
    ],
    "Accounts": [
        ("Account_Name", "text", True), ("Phone", "phone", False), ("Website", "website", False),
        ("Payer_Id", "text", False), ("Open_Balance", "currency", False), ("Billing_Status", "text", False),
    ],
    "Deals": [
        ("Deal_Name", "text", True), ("Stage", "text", True), ("Amount", "currency", False),
        ("Closing_Date", "date", False),
    ],
}  # fmt: skip
DUPLICATES = {"Contacts": "Email", "Leads": "Email", "Accounts": "Account_Name", "Deals": "Deal_Name"}
JSON_TYPES = {"currency": "double"}
USER = {"name": "Sandbox Office", "id": "554023000000235011", "email": "office@school.example"}
MODULE = r"(?P<module>[A-Z][A-Za-z_0-9]*)"
AT_MOST = 100
CRITERION = re.compile(r"\((\w+):(equals|starts_with):([^()]*)\)")


class Crm(Watching):
    def add_crm_field(self, module: str, api_name: str, data_type: str = "text") -> None:
        """A custom field, as an administrator makes one."""
        self.crm_fields.setdefault(module, []).append({"api_name": api_name, "data_type": data_type, "must": False})

    def fields_of(self, module: str) -> list[dict[str, Any]]:
        if module not in FIELDS:
            raise Refused("INVALID_MODULE", "the module name given seems to be invalid", 400)
        known = [{"api_name": name, "data_type": kind, "must": must} for name, kind, must in FIELDS[module]]
        return known + self.crm_fields.get(module, [])

    def module_of(self, request: Request) -> str:
        self.fields_of(request.args["module"])
        return request.args["module"]

    # What the SDK asks before it does anything

    @route("GET", f"{CRM}/users")
    def list_users(self, request: Request) -> Reply:
        user = {
            "id": USER["id"], "full_name": USER["name"], "last_name": "Office", "first_name": "Sandbox",
            "email": USER["email"], "status": "active", "confirm": True, "country_locale": "en_US",
            "time_zone": "America/New_York", "language": "en_US", "zuid": "60000000001",
        }  # fmt: skip
        info = {"page": 1, "per_page": 200, "count": 1, "more_records": False}
        return json_answer({"users": [user], "info": info})

    @route("GET", f"{CRM}/org")
    def get_org(self, request: Request) -> Reply:
        org = {"id": "554023000000020005", "zgid": "60000000000", "company_name": "Sandbox School",
               "currency": self.currency}  # fmt: skip
        return json_answer({"org": [org]})

    @route("GET", f"{CRM}/settings/modules")
    def list_modules(self, request: Request) -> Reply:
        rows = [
            {"api_name": name, "module_name": name, "plural_label": name, "singular_label": name[:-1],
             "generated_type": "default", "api_supported": True, "id": str(554023000000002000 + place)}
            for place, name in enumerate(FIELDS)
        ]  # fmt: skip
        return json_answer({"modules": rows})

    @route("GET", f"{CRM}/settings/fields")
    def list_fields(self, request: Request) -> Reply:
        rows = [
            {
                "api_name": row["api_name"], "field_label": row["api_name"].replace("_", " "),
                "data_type": row["data_type"], "json_type": JSON_TYPES.get(row["data_type"], "string"),
                "system_mandatory": row["must"], "read_only": False, "length": 120,
                "id": str(554023000000003000 + place),
            }
            for place, row in enumerate(self.fields_of(request.asked("module")))
        ]  # fmt: skip
        return json_answer({"fields": rows})

    # Writing

    def wrong_with(self, module: str, place: int, given: dict[str, Any], *, is_new: bool) -> dict[str, Any] | None:
        """The refusal of one record, None where there is nothing wrong."""
        for row in self.fields_of(module):
            name = row["api_name"]
            where = {"api_name": name, "json_path": f"$.data[{place}].{name}"}
            if is_new and row["must"] and not given.get(name):
                return _failed("MANDATORY_NOT_FOUND", "required field not found", where)
            value = given.get(name)
            if row["data_type"] == "email" and value and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(value)):
                return _failed("INVALID_DATA", "invalid data", where | {"expected_data_type": "email"})
        return None

    def save_record(self, module: str, given: dict[str, Any], record_id: str = "") -> dict[str, Any]:
        """Insert or update, and tell those who watch. Returns the `details` of the answer."""
        names = {row["api_name"] for row in self.fields_of(module)}
        kept = {name: value for name, value in given.items() if name in names}
        rows = self.crm.setdefault(module, {})
        now = self.now().isoformat(timespec="seconds")
        is_new = not record_id
        record_id = record_id or self.new_id()
        record = rows.setdefault(record_id, {"id": record_id, "Created_Time": now})
        changed = [name for name, value in kept.items() if record.get(name) != value]
        record |= kept | {"Modified_Time": now}
        who = {"name": USER["name"], "id": USER["id"]}
        self.notify(module, "insert" if is_new else "update", record, changed)
        return {
            "Modified_Time": now, "Modified_By": who, "Created_Time": record["Created_Time"], "id": record_id,
            "Created_By": who,
        }  # fmt: skip

    def records_asked(self, request: Request) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        asked = read_json(request.body)
        rows = asked.get("data")
        if not isinstance(rows, list) or not rows:
            raise Refused("MANDATORY_NOT_FOUND", "required field not found", 400, {"api_name": "data"})
        if len(rows) > AT_MOST:
            raise Refused("LIMIT_EXCEEDED", "the limit of records in one call is exceeded", 400)
        return rows, asked

    @route("POST", f"{CRM}/{MODULE}/upsert")
    def upsert_records(self, request: Request) -> Reply:
        module = self.module_of(request)
        rows, asked = self.records_asked(request)
        checks = [*(asked.get("duplicate_check_fields") or []), DUPLICATES[module]]
        answers = []
        for place, given in enumerate(rows):
            field, record_id = self.twin_of(module, given, checks)
            wrong = self.wrong_with(module, place, given, is_new=not record_id)
            if wrong:
                answers.append(wrong)
                continue
            details = self.save_record(module, given, record_id)
            action = "update" if record_id else "insert"
            text = "record updated" if record_id else "record added"
            answers.append({
                "code": "SUCCESS", "duplicate_field": field or None, "action": action, "details": details,
                "message": text, "status": "success",
            })  # fmt: skip
        return _each(answers, 200)

    def twin_of(self, module: str, given: dict[str, Any], checks: list[str]) -> tuple[str, str]:
        """The field by which a record is there already, and its id; empty texts for a new one."""
        rows = self.crm.get(module, {})
        if str(given.get("id", "")) in rows:
            return "id", str(given["id"])
        for field in checks:
            for record in rows.values():
                if given.get(field) and str(record.get(field, "")).lower() == str(given[field]).lower():
                    return field, record["id"]
        return "", ""

    @route("POST", f"{CRM}/{MODULE}")
    def insert_records(self, request: Request) -> Reply:
        module = self.module_of(request)
        rows, _asked = self.records_asked(request)
        answers = []
        for place, given in enumerate(rows):
            wrong = self.wrong_with(module, place, given, is_new=True)
            answers.append(wrong or _saved("record added", self.save_record(module, given)))
        return _each(answers, 201)

    @route("PUT", f"{CRM}/{MODULE}(?:/(?P<id>\\d+))?")
    def update_records(self, request: Request) -> Reply:
        module = self.module_of(request)
        rows, _asked = self.records_asked(request)
        answers = []
        for place, given in enumerate(rows):
            record_id = request.args.get("id") or str(given.get("id", ""))
            wrong = self.wrong_with(module, place, given, is_new=False)
            if record_id not in self.crm.get(module, {}):
                wrong = _failed("INVALID_DATA", "the id given seems to be invalid", {"api_name": "id"})
            answers.append(wrong or _saved("record updated", self.save_record(module, given, record_id)))
        return _each(answers, 200)

    @route("DELETE", f"{CRM}/{MODULE}/(?P<id>\\d+)")
    def delete_record(self, request: Request) -> Reply:
        module = self.module_of(request)
        record = self.crm.get(module, {}).pop(request.args["id"], None)
        if record is None:
            raise Refused("INVALID_DATA", "the id given seems to be invalid", 400, {"id": request.args["id"]})
        self.notify(module, "delete", record, [])
        return _each([_saved("record deleted", {"id": record["id"]})], 200)

    # Reading

    @route("GET", f"{CRM}/{MODULE}/(?P<id>\\d+)")
    def get_record(self, request: Request) -> Reply:
        record = self.crm.get(self.module_of(request), {}).get(request.args["id"])
        return json_answer({"data": [record]}) if record else Reply(204)

    @route("GET", f"{CRM}/{MODULE}")
    def list_records(self, request: Request) -> Reply:
        module = self.module_of(request)
        if not request.asked("fields"):
            raise Refused("REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", 400,
                          {"param_name": "fields"})  # fmt: skip
        return self.crm_page(request, list(self.crm.get(module, {}).values()))

    @route("GET", f"{CRM}/{MODULE}/search")
    def search_records(self, request: Request) -> Reply:
        """By email, phone, word or criteria: (Field:equals:value), joined by and. Nothing found is 204."""
        module = self.module_of(request)
        rows = list(self.crm.get(module, {}).values())
        email, phone, word = request.asked("email"), request.asked("phone"), request.asked("word")
        criteria = CRITERION.findall(request.asked("criteria"))
        if not (email or phone or word or criteria):
            text = "One of the expected parameter is missing"
            raise Refused("REQUIRED_PARAM_MISSING", text, 400, {"param_name": "criteria"})
        if email:
            rows = [row for row in rows if str(row.get("Email", "")).lower() == email.lower()]
        if phone:
            rows = [row for row in rows if phone in (row.get("Phone"), row.get("Mobile"))]
        if word:
            rows = [row for row in rows if word.lower() in dump(row).decode().lower()]
        for name, how, value in criteria:
            rows = [row for row in rows if _meets(str(row.get(name, "")).lower(), how, value.lower())]
        return self.crm_page(request, rows)

    def crm_page(self, request: Request, rows: list[dict[str, Any]]) -> Reply:
        if not rows:
            return Reply(204)
        page, size = page_asked(request)
        part = rows[(page - 1) * size : page * size]
        more = len(rows) > page * size
        info = {"page": page, "per_page": size, "count": len(part), "more_records": more, "next_page_token": None}
        return json_answer({"data": part, "info": info})


def _meets(have: str, how: str, value: str) -> bool:
    return have == value if how == "equals" else have.startswith(value)


def _saved(text: str, details: dict[str, Any]) -> dict[str, Any]:
    return {"code": "SUCCESS", "details": details, "message": text, "status": "success"}


def _failed(code: str, text: str, details: dict[str, Any]) -> dict[str, Any]:
    return {"code": code, "details": details, "message": text, "status": "error"}


def _each(answers: list[dict[str, Any]], good: int) -> Reply:
    """One answer per record: 207 where some failed, 202 where all did."""
    failed = sum(row["status"] == "error" for row in answers)
    return json_answer({"data": answers}, 202 if failed == len(answers) else 207 if failed else good)
