"""The page on which a payer types a card or a bank account. Plain HTML; nothing typed is given back."""

from html import escape

HINTS = (
    ("4111111111111111", "Visa, accepted"),
    ("5424000000000015", "Mastercard, accepted"),
    ("370000000000002", "American Express, accepted"),
    ("6011000000000012", "Discover, accepted"),
)
STYLE = """
:root { color-scheme: light; --ink: #1d2733; --line: #c9d2dc; --quiet: #5b6875; --go: #0b6b4f; --bad: #b3261e; }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: #f3f5f7; }
main { max-width: 30rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
section { background: #fff; border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem; margin-top: 1rem; }
h1 { font-size: 1.25rem; margin: 0 0 .25rem; } h2 { font-size: 1rem; margin: 0; }
p { margin: .25rem 0; } .quiet { color: var(--quiet); font-size: .875rem; }
label { display: block; font-weight: 600; font-size: .875rem; margin-top: .9rem; }
input { width: 100%; margin-top: .25rem; padding: .65rem .75rem; font: inherit; border: 1px solid #8a96a3;
  border-radius: 8px; }
input[aria-invalid=true] { border-color: var(--bad); }
.row { display: grid; grid-template-columns: 1fr 1fr; gap: 0 .75rem; }
button { font: inherit; cursor: pointer; }
.go { width: 100%; margin-top: 1.25rem; padding: .8rem; border: 0; border-radius: 8px; color: #fff;
  background: var(--go); font-weight: 600; }
.hints { display: grid; gap: .4rem; margin-top: .6rem; }
.hints button { text-align: left; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: 8px;
  background: #f8fafb; }
.bad { color: var(--bad); font-weight: 600; } summary { cursor: pointer; font-weight: 600; }
:focus-visible { outline: 3px solid #2d6cdf; outline-offset: 1px; }
"""
SCRIPT = """
for (const hint of document.querySelectorAll("[data-number]")) {
  hint.addEventListener("click", () => {
    for (const [name, value] of Object.entries({
      number: hint.dataset.number, holder: "Test Payer", month: "12", year: "2039", cvv: "999", zip: "46225",
    })) document.getElementById(name).value = value;
  });
}
"""


def whole(inside: str, script: str = "") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Zoho Billing (sandbox)</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body><main>{inside}</main><script>{script}</script></body></html>"
    )


def message(text: str) -> str:
    return whole(f"<section><h1>Zoho Billing (sandbox)</h1><p>{escape(text)}</p></section>")


def checkout(title: str, button: str, kind: str = "card", wrong: str = "", why: str = "") -> str:
    """wrong: the field that was refused, "" on a first visit; why: what to tell about it."""

    def field(name: str, label: str, more: str = "") -> str:
        told = f'<p class="bad" id="why-{name}">{escape(why)}</p>' if name == wrong else ""
        state = f' aria-invalid="true" aria-describedby="why-{name}"' if name == wrong else ""
        return (
            f'<div><label for="{name}">{label}</label><input id="{name}" name="{name}" required {more}{state}>'
            f"{told}</div>"
        )

    digits = 'inputmode="numeric" autocomplete="off"'
    hints = "".join(
        f'<button type="button" data-number="{number}">{number}<br><span class="quiet">{text}</span></button>'
        for number, text in HINTS
    )
    alert = '<p class="bad" role="alert">Please correct what is marked below.</p>' if wrong else ""
    card = (
        '<form method="post"><input type="hidden" name="kind" value="card">'
        + field("number", "Card number", digits)
        + field("holder", "Name on the card", 'autocomplete="off"')
        + f'<div class="row">{field("month", "Month (MM)", digits)}{field("year", "Year (YYYY)", digits)}</div>'
        + f'<div class="row">{field("cvv", "Card code (CVV)", digits)}{field("zip", "Zip code", digits)}</div>'
        + f'<button class="go" type="submit">{escape(button)}</button></form>'
    )
    bank = (
        '<form method="post"><input type="hidden" name="kind" value="bank">'
        + field("routing", "Routing number", digits)
        + field("account", "Account number", digits)
        + f'<button class="go" type="submit">{escape(button)}</button></form>'
    )
    return whole(
        f'<h1>{escape(title)}</h1><p class="quiet">Zoho Billing (sandbox). No money moves here.</p>{alert}'
        f"<section><h2>Card</h2>{card}</section>"
        f"<section><h2>Test cards</h2>"
        f'<p class="quiet">Zip 46282 is declined; card code 901 does not match.</p><div class="hints">{hints}</div>'
        f"</section><section><details{' open' if kind == 'bank' else ''}><summary>Pay by bank account</summary>"
        f'<p class="quiet">Test routing number 021000021, any account number.</p>{bank}</details></section>',
        SCRIPT,
    )
