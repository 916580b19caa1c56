const map = byId("map");
const COLUMNS = Number(map.dataset.columns), INTERVAL = Number(map.dataset.interval);
const LEFT = Number(map.dataset.left), RIGHT = Number(map.dataset.right);
const TOP = Number(map.dataset.top), BOTTOM = Number(map.dataset.bottom);
const STEPS = map.dataset.steps.split(" ").map(Number);
const cells = Array.from(document.querySelectorAll(".cell"), (rect) => ({
  rect,
  column: Number(rect.dataset.column),
  bucket: rect.dataset.bucket,
  count: Number(rect.dataset.count),
}));
const rows = Array.from(document.querySelectorAll(".row"), (group) => ({
  group,
  bucket: group.dataset.bucket,
  low: group.dataset.low === "" ? -Infinity : Number(group.dataset.low),
  high: group.dataset.high === "" ? Infinity : Number(group.dataset.high),
  total: Number(group.dataset.total),
  bar: group.querySelector(".bar"),
  label: group.querySelector(".total"),
  labelled: group.querySelector(".total").textContent !== "",
}));
const all = rows.reduce((sum, row) => sum + row.total, 0);
let first = 0, shown = COLUMNS; // the columns on the screen

function seconds(column) { return +(column * INTERVAL).toFixed(3); }

// Show `count` columns from `from` on, with the totals of these alone.
function view(from, count) {
  shown = Math.min(COLUMNS, Math.max(1, count));
  first = Math.min(Math.max(0, from), COLUMNS - shown);
  const width = (RIGHT - LEFT) / shown, gap = width > 4 ? 1 : 0;
  const totals = new Map();
  for (const cell of cells) {
    const inside = cell.column >= first && cell.column < first + shown;
    cell.rect.classList.toggle("hidden", !inside);
    if (!inside) continue;
    cell.rect.setAttribute("x", LEFT + (cell.column - first) * width);
    cell.rect.setAttribute("width", width - gap);
    totals.set(cell.bucket, (totals.get(cell.bucket) || 0) + cell.count);
  }
  const largest = Math.max(1, ...Array.from(totals.values(), Math.abs));
  let sum = 0;
  for (const row of rows) {
    const total = totals.get(row.bucket) || 0;
    sum += total;
    row.bar.setAttribute("width", 70 * Math.abs(total) / largest);
    row.label.textContent = row.labelled ? total : "";
  }
  drawTime();
  const whole = shown === COLUMNS;
  byId("reset").classList.toggle("hidden", whole);
  show("found", whole ? "" :
    `${seconds(first)}–${seconds(first + shown)} s: ${sum} of ${all} (${percent(sum, all)})`);
}

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawTime() {
  const axis = byId("time");
  const from = first * INTERVAL, whole = shown * INTERVAL;
  const step = STEPS.find((one) => one * 10 >= whole) || whole / 10;
  axis.replaceChildren();
  for (let i = Math.ceil(from / step - 1e-6); i * step <= from + whole + 1e-6; i++) {
    const x = LEFT + (i * step - from) / whole * (RIGHT - LEFT);
    axis.append(
      element("path", { class: "grid", d: `M${x} ${TOP}V${BOTTOM + 4}` }),
      element("text", { class: "axis", x, y: BOTTOM + 18, "text-anchor": "middle" },
        +(i * step).toFixed(3) + " s"));
  }
}

function valueRange(row) {
  if (row.low === -Infinity) return `value ≤ ${row.group.dataset.high}`;
  if (row.high === Infinity) return `value ≥ ${row.group.dataset.low}`;
  return `value ${row.group.dataset.low}…${row.group.dataset.high}`;
}

// Mark the row of the bucket that holds a value.
function search(text) {
  const value = text.trim() === "" ? NaN : Number(text);
  let found = "";
  for (const row of rows) {
    const hit = value >= row.low && value <= row.high;
    row.group.classList.toggle("hit", hit);
    if (hit) found = `${valueRange(row)}: ${row.total} of ${all} (${percent(row.total, all)})`;
  }
  show("found", text.trim() === "" ? "" : found || "no bucket holds this");
}

for (const cell of cells) {
  const row = rows.find((candidate) => candidate.bucket === cell.bucket);
  // A click shows a quarter of the columns, around the one clicked.
  cell.rect.addEventListener("click", () => {
    const count = Math.max(1, Math.ceil(shown / 4));
    view(cell.column - Math.floor(count / 2), count);
  });
  cell.rect.addEventListener("mouseenter", () =>
    show("details", `${seconds(cell.column)}–${seconds(cell.column + 1)} s  ${valueRange(row)}  ` +
      `${cell.rect.dataset.count}`));
  cell.rect.addEventListener("mouseleave", () => show("details", ""));
}
controls(search, () => { view(0, COLUMNS); search(byId("search").value); });
