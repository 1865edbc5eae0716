"""Who plays in the demo: five organizations, their staff, their habits. Every name is invented."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from billing.office.models.user import Role
from payments.models import Method

# Nobody's secret: printed at the start, refused in production.
PASSWORD = "quittance demo 1"
PLATFORM_ADMIN = ("pat.platform", "Pat Platt")
PARENT = ("paula.parent", "Paula Parr")
FAMILY = ("fern.family", "Fern Fairweather")
TEACHER = ("tess.teacher", "Tess Tremolo")
AGENT = ("amit.agent", "Amit Amritpore")
INVITED = "felix.family@example.com"
NAMESPACE = UUID("5c2b3f0e-6f0a-4b6e-9d55-0f0c9b1d7a11")  # keys of what the demo made once


@dataclass(frozen=True)
class House:
    """One organization and how its customers live. seed: everything random about it follows from this.

    prices: lowest and highest net amount of a usual line. methods: weights. terms: weights of what is agreed.
    bill_days: days of the month on which invoices go out, each to its share of the customers.
    """

    code: str
    name: str
    currency: str
    country: str
    time_zone: str
    preset: str
    seed: int
    customers: int
    tax_rate: Decimal
    tax_share: float
    prices: tuple[int, int]
    step: int
    goods: tuple[str, ...]
    methods: Mapping[str, int]
    terms: Mapping[str, int]
    bill_days: tuple[int, ...]
    staff: tuple[tuple[str, str, str], ...]
    details: Mapping[str, str]
    receipt_terms: str
    signatory: str
    banks: tuple[tuple[str, str, str], ...]
    colour: str
    short_by: Decimal
    languages: tuple[str, ...] = ("en",)
    large: Decimal | None = None
    unusual: str = ""
    foreign_cheque_bank: str = "Harbour Bank"
    more_policies: Mapping[str, object] = field(default_factory=dict)


def _staff(*names: tuple[str, str]) -> tuple[tuple[str, str, str], ...]:
    """(user name, full name, role), in the order of the six staff roles, then a second clerk."""
    roles = (Role.CLERK, Role.SUPERVISOR, Role.MANAGER, Role.FINANCE_MANAGER, Role.ACCOUNTANT, Role.SCHOOL_ADMIN)
    return tuple((user, full, role.value) for (user, full), role in zip(names, (*roles, Role.CLERK), strict=True))


ALLEGRO = House(
    code="allegro", name="Allegro Music School", currency="USD", country="US", time_zone="America/New_York",
    preset="lessons", seed=440, customers=170, tax_rate=Decimal("0.08875"), tax_share=0.35, prices=(90, 420), step=5,
    goods=("Piano lessons, 4 weeks", "Violin lessons, 4 weeks", "Cello lessons, 4 weeks", "Guitar lessons, 4 weeks",
           "Voice lessons, 4 weeks", "Sheet music and strings", "Instrument hire"),
    methods={Method.CARD: 34, Method.BANK_TRANSFER: 22, Method.CHEQUE: 24, Method.CASH: 20},
    terms={"2/10 net 30": 30, "net 30": 45, "net 15": 25}, bill_days=(1, 16),
    staff=_staff(
        ("ada.clerk", "Ada Ashgrove"), ("sam.supervisor", "Sam Silverton"), ("mia.manager", "Mia Marchbanks"),
        ("fay.finance", "Fay Fennimore"), ("abe.accountant", "Abe Alderwick"), ("sue.school", "Sue Sandringham"),
        ("ben.clerk", "Ben Bellweather"),
    ),
    details={"address": "12 Quaver Street\nCrotchet Falls, NY 10000", "tax_id": "00-0000000",
             "phone": "+1 212 555 0100", "email": "office@allegro.example.com", "website": "allegro.example.com",
             "local_name": "快板音樂學校"},
    receipt_terms="Lessons missed with less than 24 hours' notice are charged. Thank you for making music with us.",
    signatory="Mia Marchbanks, Bursar",
    banks=(("main", "First Harbour Bank, operating", "000111222333"),), colour="#0f766e", short_by=Decimal("0.25"),
    large=Decimal("64000"),
)  # fmt: skip

FULONG = House(
    code="fulong", name="Fulong Gas", currency="TWD", country="TW", time_zone="Asia/Taipei", preset="gas", seed=886,
    customers=190, tax_rate=Decimal("0.05"), tax_share=1.0, prices=(900, 48_000), step=10,
    goods=("桶裝瓦斯 20 公斤 Cylinder gas 20 kg", "管線瓦斯 Piped gas", "工業用瓦斯 Industrial gas",
           "安全檢查 Safety inspection"),
    methods={Method.BANK_TRANSFER: 46, Method.CHEQUE: 26, Method.CASH: 28},
    terms={"2/10 net 30": 30, "net 30": 50, "net 7": 20}, bill_days=(5, 15, 25),
    staff=_staff(
        ("lin.clerk", "林雅婷"), ("wu.supervisor", "吳建宏"), ("chen.manager", "陳淑芬"), ("huang.finance", "黃國榮"),
        ("tsai.accountant", "蔡佩君"), ("hsu.school", "許文德"), ("liu.clerk", "劉怡君"),
    ),
    details={"address": "1 Blue Flame Road, Fulong Township 99999, Taiwan", "local_name": "福隆瓦斯股份有限公司",
             "local_address": "99999 福隆鄉藍焰路1號", "tax_id": "12345675", "phone": "+886 2 5550 0100",
             "email": "service@fulong.example.com", "website": "fulong.example.com"},
    receipt_terms="本收據經收款人簽章後生效。 Valid when signed by the cashier. 支票兌現後生效。",
    signatory="陳淑芬 Chen Shu-Fen",
    banks=(("main", "第一示範銀行 Demo First Bank", "00011122233344"),
           ("cheques", "第二示範銀行 Demo Second Bank, cheques", "00055566677788")),
    colour="#1d4ed8", short_by=Decimal(30), languages=("zh-hant", "en"), large=Decimal(1_260_000),
    unusual=Method.CARD, foreign_cheque_bank="示範銀行",
)  # fmt: skip

SURAKSHA = House(
    code="suraksha", name="Suraksha Life", currency="INR", country="IN", time_zone="Asia/Kolkata", preset="premiums",
    seed=91, customers=160, tax_rate=Decimal("0.18"), tax_share=1.0, prices=(1_500, 42_000), step=50,
    goods=("Term plan premium", "Endowment plan premium", "Health rider premium", "Pension plan premium"),
    methods={Method.UPI: 34, Method.NET_BANKING: 20, Method.AUTO_DEBIT: 24, Method.BANK_TRANSFER: 15, Method.CASH: 7},
    terms={"net 30": 55, "net 15": 45}, bill_days=(2, 7, 12, 17, 22, 27),
    staff=_staff(
        ("asha.clerk", "Asha Amberkar"), ("ravi.supervisor", "Ravi Rangpur"), ("meera.manager", "Meera Malhara"),
        ("farid.finance", "Farid Firozgarh"), ("anil.accountant", "Anil Amritpore"), ("sita.school", "Sita Sonarkund"),
        ("kiran.clerk", "Kiran Kesarwadi"),
    ),
    details={"address": "7 Lamp Lane, Sector 0\nSurakshapur 000000", "tax_id": "27AAAAA0000A1Z5",
             "phone": "+91 22 5550 0100", "email": "care@suraksha.example.com", "website": "suraksha.example.com"},
    receipt_terms="Premiums are accepted subject to the policy being in force. GST is included where shown.",
    signatory="Meera Malhara, Branch Manager",
    banks=(("main", "Demo Bank of Surakshapur", "000999888777666"),), colour="#b45309", short_by=Decimal(0),
    large=Decimal(1_150_000), unusual=Method.CHEQUE, foreign_cheque_bank="Demo Bank of Surakshapur",
)  # fmt: skip

HOUSES = (ALLEGRO, FULONG, SURAKSHA)
