"""What addresses need in each country: required parts, shapes of postal codes, states with their codes.

Sources: required parts and postal codes from Google's address data as kept by commerceguys/addressing
(AddressFormatRepository.php); state codes ISO 3166-2 (for India as renamed in November 2023: CG, OD, TS, UK); state
codes of the GSTIN: GST Council, list of state codes (25 and 28 are of before 2020 and 2014).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence

US_STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky",
    "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire",
    "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York", "NC": "North Carolina", "ND": "North Dakota",
    "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island",
    "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont",
    "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
    "AS": "American Samoa", "GU": "Guam", "MP": "Northern Mariana Islands", "PR": "Puerto Rico",
    "VI": "U.S. Virgin Islands",
}  # fmt: skip
CANADIAN_PROVINCES = {
    "AB": "Alberta", "BC": "British Columbia", "MB": "Manitoba", "NB": "New Brunswick",
    "NL": "Newfoundland and Labrador", "NS": "Nova Scotia", "NT": "Northwest Territories", "NU": "Nunavut",
    "ON": "Ontario", "PE": "Prince Edward Island", "QC": "Quebec", "SK": "Saskatchewan", "YT": "Yukon",
}  # fmt: skip
INDIAN_STATES = {
    "AN": "Andaman and Nicobar Islands", "AP": "Andhra Pradesh", "AR": "Arunachal Pradesh", "AS": "Assam",
    "BR": "Bihar", "CH": "Chandigarh", "CG": "Chhattisgarh", "DH": "Dadra and Nagar Haveli and Daman and Diu",
    "DL": "Delhi", "GA": "Goa", "GJ": "Gujarat", "HR": "Haryana", "HP": "Himachal Pradesh", "JK": "Jammu and Kashmir",
    "JH": "Jharkhand", "KA": "Karnataka", "KL": "Kerala", "LA": "Ladakh", "LD": "Lakshadweep", "MP": "Madhya Pradesh",
    "MH": "Maharashtra", "MN": "Manipur", "ML": "Meghalaya", "MZ": "Mizoram", "NL": "Nagaland", "OD": "Odisha",
    "PY": "Puducherry", "PB": "Punjab", "RJ": "Rajasthan", "SK": "Sikkim", "TN": "Tamil Nadu", "TS": "Telangana",
    "TR": "Tripura", "UP": "Uttar Pradesh", "UK": "Uttarakhand", "WB": "West Bengal",
}  # fmt: skip
AUSTRALIAN_STATES = {
    "ACT": "Australian Capital Territory", "NSW": "New South Wales", "NT": "Northern Territory", "QLD": "Queensland",
    "SA": "South Australia", "TAS": "Tasmania", "VIC": "Victoria", "WA": "Western Australia",
}  # fmt: skip
# The first two digits of a GSTIN: the state that gave it.
GST_STATES = {
    "01": "JK", "02": "HP", "03": "PB", "04": "CH", "05": "UK", "06": "HR", "07": "DL", "08": "RJ", "09": "UP",
    "10": "BR", "11": "SK", "12": "AR", "13": "NL", "14": "MN", "15": "MZ", "16": "TR", "17": "ML", "18": "AS",
    "19": "WB", "20": "JH", "21": "OD", "22": "CG", "23": "MP", "24": "GJ", "25": "DH", "26": "DH", "27": "MH",
    "28": "AP", "29": "KA", "30": "GA", "31": "LD", "32": "KL", "33": "TN", "34": "PY", "35": "AN", "36": "TS",
    "37": "AP", "38": "LA",
}  # fmt: skip


@dataclass(frozen=True)
class Country:
    """postal: shape of a postal code, empty: none is asked for. example: one that is right.

    tail, joint: where the code is written in two parts, how long the last is and what stands before it. regions: the
    states by their codes; empty: what was typed is taken. needs_region: a state must be given.
    """

    name: Sentence
    postal: str = ""
    example: str = ""
    tail: int = 0
    joint: str = " "
    regions: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs_region(self) -> bool:
        return bool(self.regions)


FIVE = (r"\d{5}", "10115")
FOUR = (r"\d{4}", "1010")
SIX = (r"\d{6}", "100000")
COUNTRIES: dict[str, Country] = {
    "US": Country(_("United States"), r"\d{5}(-\d{4})?", "10001", regions=US_STATES),
    "TW": Country(_("Taiwan"), r"\d{3}(\d{2,3})?", "106"),
    "IN": Country(_("India"), r"[1-9]\d{5}", "560001", regions=INDIAN_STATES),
    "CA": Country(
        _("Canada"),
        r"[ABCEGHJKLMNPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] \d[ABCEGHJ-NPRSTV-Z]\d",
        "K1A 0B1",
        3,
        regions=CANADIAN_PROVINCES,
    ),
    "GB": Country(_("United Kingdom"), r"[A-Z]{1,2}\d[\dA-Z]? \d[ABD-HJLN-UW-Z]{2}|GIR 0AA", "SW1A 1AA", 3),
    "AU": Country(_("Australia"), r"\d{4}", "2000", regions=AUSTRALIAN_STATES),
    "NZ": Country(_("New Zealand"), r"\d{4}", "6011"),
    "SG": Country(_("Singapore"), r"\d{6}", "238801"),
    "HK": Country(_("Hong Kong")),
    "MO": Country(_("Macau")),
    "JP": Country(_("Japan"), r"\d{3}-\d{4}", "100-0001", 4, "-"),
    "KR": Country(_("South Korea"), r"\d{5}", "03051"),
    "CN": Country(_("China"), *SIX),
    "MY": Country(_("Malaysia"), r"\d{5}", "50050"),
    "TH": Country(_("Thailand"), r"\d{5}", "10200"),
    "PH": Country(_("Philippines"), r"\d{4}", "1000"),
    "ID": Country(_("Indonesia"), r"\d{5}", "10110"),
    "VN": Country(_("Vietnam"), r"\d{5,6}", "100000"),
    "AE": Country(_("United Arab Emirates")),
    "IL": Country(_("Israel"), r"\d{5}(\d{2})?", "9614303"),
    "ZA": Country(_("South Africa"), r"\d{4}", "0083"),
    "MX": Country(_("Mexico"), r"\d{5}", "06000"),
    "BR": Country(_("Brazil"), r"\d{5}-\d{3}", "01310-100", 3, "-"),
    "DE": Country(_("Germany"), *FIVE),
    "FR": Country(_("France"), r"\d{5}", "75001"),
    "ES": Country(_("Spain"), r"\d{5}", "28013"),
    "IT": Country(_("Italy"), r"\d{5}", "00187"),
    "FI": Country(_("Finland"), r"\d{5}", "00100"),
    "AT": Country(_("Austria"), *FOUR),
    "BE": Country(_("Belgium"), *FOUR),
    "CH": Country(_("Switzerland"), r"\d{4}", "3011"),
    "DK": Country(_("Denmark"), r"\d{4}", "1050"),
    "LU": Country(_("Luxembourg"), r"\d{4}", "1111"),
    "NO": Country(_("Norway"), r"\d{4}", "0026"),
    "NL": Country(_("Netherlands"), r"[1-9]\d{3} [A-Z]{2}", "1012 JS", 2),
    "SE": Country(_("Sweden"), r"\d{3} \d{2}", "111 29", 2),
    "CZ": Country(_("Czech Republic"), r"\d{3} \d{2}", "110 00", 2),
    "GR": Country(_("Greece"), r"\d{3} \d{2}", "105 57", 2),
    "PL": Country(_("Poland"), r"\d{2}-\d{3}", "00-001", 3, "-"),
    "PT": Country(_("Portugal"), r"\d{4}-\d{3}", "1000-205", 3, "-"),
    "IE": Country(_("Ireland"), r"[A-Z]\d[\dW] [\dA-Z]{4}", "D02 AF30", 4),
}
