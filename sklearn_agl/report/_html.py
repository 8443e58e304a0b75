"""A page without anything from elsewhere."""

import base64
from html import escape
from string import Template

PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #222; margin: 0 auto; max-width: 70rem;
  padding: 1rem; }
h1 { font-size: 1.6rem; margin: 0.5rem 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 0.5rem; }
p, ul { max-width: 44rem; }
.answer { font-size: 1.1rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr));
  gap: 2rem; }
figure { margin: 0; min-width: 0; }
figure img { max-width: 100%; height: auto; }
figcaption { font-size: 0.9rem; color: #444; max-width: 36rem; }
figcaption b { color: #222; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.15rem 0.7rem; text-align: right; white-space: nowrap; }
th { border-bottom: 1px solid #999; font-weight: 600; vertical-align: bottom; white-space: normal; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tr.chosen td { font-weight: 600; }
summary { cursor: pointer; }
footer { margin-top: 3rem; font-size: 0.8rem; color: #666; }
</style>
</head>
<body>
$body
</body>
</html>
"""
)


def page(title, parts):
    """The whole page.

    Parameters
    ----------
    title : str
    parts : sequence of str
        HTML.

    Returns
    -------
    str
    """
    return PAGE.substitute(title=escape(title), body="\n".join(parts))


def paragraph(text, kind=""):
    """A paragraph of a class."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def heading(text, level=2):
    """A heading."""
    return f"<h{level}>{escape(text)}</h{level}>"


def bullets(texts):
    """A list."""
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def figure(title, caption, svg):
    """A picture, as an image of its own, so that names inside do not meet those of others."""
    content = base64.b64encode(svg.encode()).decode()
    stop = "" if title.endswith("?") else "."
    return (
        f'<figure><img alt="{escape(title)}" src="data:image/svg+xml;base64,{content}">'
        f"<figcaption><b>{escape(title)}{stop}</b> {escape(caption)}</figcaption></figure>"
    )


def table(head, rows, chosen=None):
    """A table that scrolls where the page is narrow.

    Parameters
    ----------
    head : sequence of str
    rows : sequence of sequence of str
    chosen : int, default=None
        A row to stress.

    Returns
    -------
    str
    """
    lines = ["".join(f"<th>{escape(cell)}</th>" for cell in head)]
    lines += ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    marked = [
        f"<tr class='chosen'>{line}</tr>" if k - 1 == chosen else f"<tr>{line}</tr>"
        for k, line in enumerate(lines)
    ]
    return f'<div class="scroll"><table>{"".join(marked)}</table></div>'


def folded(title, content):
    """Something that opens at a click."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>"
