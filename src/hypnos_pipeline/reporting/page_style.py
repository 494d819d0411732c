"""How the study's page looks, and the few lines of script that sort its tables."""

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, CanvasText 25%, Canvas); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 80rem; padding: 0 1rem 4rem; }
h2 { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: 1rem; }
nav a { display: inline-block; margin-right: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: right; white-space: nowrap; }
.label { text-align: left; }
.label:first-child { background: Canvas; left: 0; position: sticky; }
summary { cursor: pointer; padding: .3rem 0; }
.reference { font-style: italic; }
th button { all: unset; cursor: pointer; font-weight: bold; }
th button:focus-visible { outline: 2px solid; }
th[aria-sort=ascending] button::after { content: " ▲"; }
th[aria-sort=descending] button::after { content: " ▼"; }
td a { color: inherit; text-decoration: underline dotted; }
.notes { font-size: .875rem; overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
.scroll img { height: auto; max-width: max(100%, 44rem); }
.command { background: color-mix(in srgb, CanvasText 8%, Canvas); display: block; margin-top: .5rem;
  overflow-wrap: anywhere; padding: .4rem .6rem; white-space: normal; user-select: all;
  -webkit-user-select: all; }
.cell { display: none; }
.cell:target { background: Canvas; border-top: 2px solid; bottom: 0; box-sizing: border-box; display: block;
  left: 0; max-height: 75vh; overflow-y: auto; padding: .5rem 1rem 1rem; position: fixed; right: 0; }
.cell h3 { margin: 0 5rem .5rem 0; }
.close { position: absolute; right: 1rem; top: .5rem; }
.cell h4 { margin: .75rem 0 .25rem; }
.ends { display: flex; flex-wrap: wrap; gap: 0 2rem; }
.pairs { display: flex; flex-wrap: wrap; gap: .75rem; }
.pair { --side: 76px; font-size: .8rem; line-height: 1.3; overflow-wrap: anywhere;
  width: calc(2 * var(--side) + 4px); }
.small { background: center / contain no-repeat; display: inline-block; height: var(--side);
  width: var(--side); }
.small + .small { margin-left: 4px; }
p code { white-space: nowrap; }
@media (max-width: 700px) {
  h1 { font-size: 1.4rem; }
  .label { white-space: normal; }
  .pairs { gap: .5rem; }
  .pair { --side: 50px; font-size: .7rem; }
}
"""

SCRIPT = """
for (const heading of document.querySelectorAll("thead th")) {
  const button = document.createElement("button");
  button.append(...heading.childNodes);
  heading.append(button);
  button.addEventListener("click", () => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    const body = heading.closest("table").tBodies[0];
    const text = row => row.cells[heading.cellIndex].textContent.replace("\\u2212", "-");
    const words = heading.classList.contains("label");
    const order = (a, b) => {
      if (words) return text(a).localeCompare(text(b)) * (down ? -1 : 1);
      const [x, y] = [parseFloat(text(a)), parseFloat(text(b))];
      if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
      return (x - y) * (down ? -1 : 1);
    };
    for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...[...body.rows].sort(order));
  });
}
"""
