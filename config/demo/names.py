"""Names for customers, put together by chance. Telephones are of ranges kept for fiction, e-mails of example.com."""

from dataclasses import dataclass
from random import Random

from config.demo.cast import House


def _words(text: str) -> list[str]:
    return text.split()


FIRST = _words(
    "Ada Ben Cleo Dov Eve Finn Gwen Hugo Iris Jonas Kira Leo Maya Nils Olive Pia Quinn Rosa Seth Tess Una Vera Wes "
    "Xena Yara Zeke"
)
LAST = _words(
    "Harrowgate Bellweather Thistlewood Marchbanks Fennimore Dovecote Larkspur Quillfeather Underhay Winterbourne "
    "Ashgrove Copperfield Silverton Merriwether Oakhollow Pennywhistle Ravenscar Starling Tumblebrook Yellowlees"
)
INDIAN_FIRST = _words(
    "Aarav Bhavna Chetan Divya Esha Farhan Gauri Harish Isha Jatin Kavya Lalit Meena Naveen Ojas Pooja Rohan Sneha "
    "Tarun Uma Varun Yamini"
)
INDIAN_LAST = _words(
    "Amberkar Balgarh Chandpore Deolikar Firozgarh Girnarkar Hemkund Indrapal Jalgaria Kesarwadi Lakhanpore Malhara "
    "Navratan Palashkar Rangpur Sonarkund Tarapuri Vasantkar"
)
SURNAMES = list(zip(
    "陳林黃張李王吳劉蔡楊許鄭謝郭洪曾邱廖賴周",
    _words("Chen Lin Huang Chang Li Wang Wu Liu Tsai Yang Hsu Cheng Hsieh Kuo Hung Tseng Chiu Liao Lai Chou"),
    strict=True,
))  # fmt: skip
GIVEN = list(zip(
    _words("美玲 志明 淑芬 俊傑 雅婷 建宏 怡君 家豪 惠如 文雄 佩珊 承翰 宜蓁 冠宇 詩涵 柏翰"),
    _words("Mei-Ling Chih-Ming Shu-Fen Chun-Chieh Ya-Ting Chien-Hung Yi-Chun Chia-Hao Hui-Ju Wen-Hsiung Pei-Shan "
           "Cheng-Han Yi-Chen Kuan-Yu Shih-Han Po-Han"),
    strict=True,
))  # fmt: skip
SHOPS = list(zip(
    _words("藍焰 大吉 永福 金湯 新月 福星 玉泉 長青 和風 春水"),
    _words("Blue-Flame Ta-Chi Yung-Fu Golden-Soup New-Moon Lucky-Star Jade-Spring Evergreen Breeze Spring-Water"),
    strict=True,
))  # fmt: skip
TRADES = (
    ("餐廳", "Restaurant"), ("麵館", "Noodle House"), ("洗衣店", "Laundry"), ("旅館", "Hotel"),
    ("食品有限公司", "Foods Ltd."), ("陶瓷有限公司", "Ceramics Ltd."), ("烘焙坊", "Bakery"),
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    name: str
    latin_name: str
    family: str
    is_business: bool = False


def person(house: House, random: Random) -> Person:
    """A payer of the kind that the organization has."""
    if house.country == "TW":
        return _taiwanese(random)
    if house.country == "IN":
        family = random.choice(INDIAN_LAST)
        return Person(f"{random.choice(INDIAN_FIRST)} {family}", "", family)
    family = random.choice(LAST)
    return Person(f"{random.choice(FIRST)} {family}", "", family)


def _taiwanese(random: Random) -> Person:
    if random.random() < 0.4:
        (shop, latin), (trade, english) = random.choice(SHOPS), random.choice(TRADES)
        owner, owner_latin = random.choice(SURNAMES)
        return Person(f"{owner}記{shop}{trade}", f"{owner_latin} {latin} {english}", shop, is_business=True)
    (surname, latin), (given, given_latin) = random.choice(SURNAMES), random.choice(GIVEN)
    return Person(surname + given, f"{latin} {given_latin}", surname)


def telephone(house: House, number: int) -> str:
    """555-01xx, which no exchange gives to anybody."""
    last = f"01{number % 100:02d}"
    return {"TW": f"+886 2 5550 {last}", "IN": f"+91 22 5550 {last}"}.get(
        house.country, f"+1 {200 + number % 700} 555 {last}"
    )


def child(random: Random) -> str:
    return random.choice(FIRST)
