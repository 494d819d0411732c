for (const heading of document.querySelectorAll("thead th")) {
  const button = document.createElement("button");
  button.append(...heading.childNodes);
  heading.append(button);
  button.addEventListener("click", () => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    const body = heading.closest("table").tBodies[0];
    const text = row => row.cells[heading.cellIndex].textContent.replace("\u2212", "-");
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
