"""Pages that a payer sees at a bank or in an app: plain, and fit for a phone."""

from html import escape

STYLE = """
body{margin:0;background:#eef1f6;color:#1d2733;font:16px/1.5 system-ui,sans-serif}
main{max-width:26rem;margin:1.5rem auto;padding:1.25rem;background:#fff;border-radius:.75rem;box-shadow:0 1px 4px #0002}
h1{font-size:1.2rem;margin:0 0 1rem}dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:0 0 1rem}
dt{color:#5a6775}dd{margin:0;text-align:right;overflow-wrap:anywhere}label{display:block;margin:0 0 .75rem}
input{display:block;box-sizing:border-box;width:100%;padding:.6rem;font:inherit;border:1px solid #b6c0cc;
border-radius:.4rem}button{width:100%;padding:.75rem;margin:.25rem 0;font:inherit;font-weight:600;border:0;
border-radius:.4rem;background:#1257c7;color:#fff;cursor:pointer}button.no{background:#e4e8ee;color:#1d2733}
p.hint{color:#5a6775;font-size:.875rem}
"""


def page(title: str, body: str) -> str:
    """body: HTML that is safe already."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def facts(rows: dict[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in rows.items()) + "</dl>"


def field(label: str, name: str, value: str = "", kind: str = "text") -> str:
    return f'<label>{escape(label)}<input name="{name}" type="{kind}" value="{escape(value)}"></label>'


def button(label: str, action: str, is_no: bool = False) -> str:
    look = ' class="no"' if is_no else ""
    return f'<button name="action" value="{action}"{look}>{escape(label)}</button>'


def form(*parts: str) -> str:
    """A form that comes back to its own address."""
    return f'<form method="post">{"".join(parts)}</form>'


def hint(text: str) -> str:
    return f'<p class="hint">{escape(text)}</p>'
