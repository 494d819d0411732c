"use strict";
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const element = (name, content = "", attributes = {}) => {
  const made = document.createElement(name);
  made.append(...[content].flat());
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

// The commit: in a file beside the page, believed only if it was written with this very page.
if (window.madeBy?.page === document.querySelector("#made").dataset.page)
  document.querySelector("#made dd").textContent = window.madeBy.text;

// One subject at a time, the same in every section: tabs, or a field to search in where subjects are many.
const MOST_TABS = 8;
const groups = all(".per-subject").filter(group => group.children.length > 1);
function choose(subject) {
  for (const group of groups) {
    for (const panel of all(".panel", group)) panel.hidden = panel.dataset.subject !== subject;
    for (const tab of all("[role=tab]", group)) {
      tab.setAttribute("aria-selected", tab.textContent === subject);
      tab.tabIndex = tab.textContent === subject ? 0 : -1;
    }
    for (const field of all(".chooser input", group)) field.value = subject;
  }
}
function tabs(group, subjects) {
  const list = element("div", "", {role: "tablist", class: "tabs", "aria-label": group.dataset.name});
  for (const [place, panel] of all(".panel", group).entries()) {
    panel.id = `${group.dataset.name}-${place}`;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-label", panel.dataset.subject);
    const tab = element("button", panel.dataset.subject, {type: "button", role: "tab", "aria-controls": panel.id});
    tab.addEventListener("click", () => choose(tab.textContent));
    list.append(tab);
  }
  list.addEventListener("keydown", event => {
    const place = subjects.indexOf(document.activeElement.textContent);
    const next = {ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: subjects.length - 1}[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const tab = list.children[(next + subjects.length) % subjects.length];
    choose(tab.textContent);
    tab.focus();
  });
  return list;
}
function chooser(group, subjects) {
  const field = element("input", "", {type: "search", list: "subjects", placeholder: "type to search"});
  field.addEventListener("change", () => choose(subjects.includes(field.value) ? field.value : subjects[0]));
  field.addEventListener("focus", () => field.select());
  return element("label", [`Subject, of ${subjects.length}`, field], {class: "chooser"});
}
if (groups.length) {
  const subjects = all(".panel", groups[0]).map(panel => panel.dataset.subject);
  const few = subjects.length <= MOST_TABS;
  if (!few) document.body.append(element("datalist", subjects.map(name => element("option", "", {value: name})), {id: "subjects"}));
  for (const group of groups) {
    group.classList.add("tabbed");
    group.prepend((few ? tabs : chooser)(group, subjects));
  }
  choose(subjects[0]);
}

// Enlarging, and going on to the neighbours.
const enlarged = document.querySelector("#enlarged");
let shown = null;
function enlarge(button) {
  shown = button;
  const image = button.querySelector("img");
  enlarged.querySelector("img").src = image.src;
  enlarged.querySelector("img").alt = image.alt;
  enlarged.querySelector("figcaption").textContent = image.alt;
  if (!enlarged.open) enlarged.showModal();
}
for (const button of all(".picture")) button.addEventListener("click", () => enlarge(button));
enlarged.addEventListener("keydown", event => {
  const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
  if (!step) return;
  const row = all(".picture", shown.closest(".row"));
  enlarge(row[(row.indexOf(shown) + step + row.length) % row.length]);
});
enlarged.addEventListener("close", () => shown.focus());

// A value's best and worst images. An address such as #varying.mug.hypnos.dino opens them, two joined by -- both.
const known = JSON.parse(document.querySelector("#cells").textContent);
const drawer = document.querySelector("#drawer");
function pair(subject, [image, against, value]) {
  const name = `${subject}/${image}`, prompt = known.prompts[name];
  const pictures = [[name, `${image}: ${prompt}`]];
  if (against) pictures.push([`${subject}/${against}`, against.replaceAll("/", " ")]);
  const images = pictures.map(([key, text]) => element("img", "", {src: known.pictures[key], alt: text, title: text}));
  return element("div", [element("span", images), element("b", value), ` ${image.slice(image.indexOf("/") + 1)}`, element("br"), prompt], {class: "pair"});
}
function contents(key) {
  const cell = known.cells[key], subject = key.split(".")[1];
  const ends = cell.ends.map(([heading, pairs]) =>
    element("div", [element("b", heading), element("div", pairs.map(each => pair(subject, each)), {class: "pairs"})]));
  return [
    element("h3", cell.title),
    ends.length ? element("div", ends, {class: "ends"}) : element("p", cell.of_all
      ? "A value of all images together; no single image has one."
      : "There is no room here for its images; the command finds them."),
    element("code", cell.command, {class: "command"}),
  ];
}
function open(address) {
  const keys = decodeURIComponent(new URL(address).hash.slice(1)).split("--");
  if (!known.cells || !keys.every(key => key in known.cells)) return;
  drawer.querySelector("div").replaceChildren(...keys.flatMap(contents));
  if (!drawer.open) drawer.showModal();
  drawer.scrollTop = 0;
}
drawer.addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));
for (const dialog of [drawer, enlarged])
  dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
// The event's own address: a "close" that comes late may have taken the new one from the address bar.
addEventListener("hashchange", event => open(event.newURL));
open(location.href);

// Sorting: best first where a heading has a direction, then the other way; within each subject's group.
for (const heading of all("thead th")) {
  const button = element("button", [...heading.childNodes], {type: "button"});
  heading.append(button);
  button.addEventListener("click", () => {
    const words = heading.classList.contains("label"), first = heading.dataset.better === "high" ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = heading.getAttribute("aria-sort") === first ? other : first;
    const text = row => row.cells[heading.cellIndex].textContent.trim().replace("\u2212", "-");
    const sign = order === "ascending" ? 1 : -1;
    const compare = (a, b) => {
      if (words) return text(a).localeCompare(text(b)) * sign;
      const [x, y] = [parseFloat(text(a)), parseFloat(text(b))];
      return isNaN(x) || isNaN(y) ? isNaN(x) - isNaN(y) : (x - y) * sign;
    };
    for (const each of heading.parentNode.cells) each.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order);
    for (const body of heading.closest("table").tBodies)
      body.append(...[...body.rows].filter(row => !row.classList.contains("group")).sort(compare));
  });
}
