
// Tables sort by a click on a heading: numbers as numbers, missing values last
const order = new Intl.Collator(document.documentElement.lang, { numeric: true }).compare;

function key(row, column) {
  const cell = row.cells[column];
  return "value" in cell.dataset ? parseFloat(cell.dataset.value) : cell.textContent;
}

function compare(a, b) {
  return typeof a === "number" ? a - b : order(a, b);
}

function sort(heading) {
  const ascending = heading.getAttribute("aria-sort") !== "ascending";
  const body = heading.closest("table").tBodies[0];
  const keyed = Array.from(body.rows, row => [key(row, heading.cellIndex), row]);
  const missing = keyed.filter(([value]) => Number.isNaN(value));
  const present = keyed.filter(([value]) => !Number.isNaN(value));
  present.sort(([a], [b]) => ascending ? compare(a, b) : compare(b, a));
  body.append(...present.concat(missing).map(([, row]) => row));
  for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sort(button.parentElement));
}

for (const button of document.querySelectorAll("button[aria-pressed]")) {
  button.addEventListener("click", () => {
    const large = document.getElementById(button.getAttribute("aria-controls")).classList.toggle("large");
    button.setAttribute("aria-pressed", large);
  });
}

// Paper cannot be clicked on
addEventListener("beforeprint", () => {
  document.querySelectorAll(".summary details").forEach(details => { details.open = true; });
});

// On a wide screen the contents stand open beside the page
if (matchMedia("(min-width: 70rem)").matches) {
  document.querySelectorAll("nav details").forEach(details => { details.open = true; });
}
