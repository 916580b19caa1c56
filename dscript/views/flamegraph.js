const frames = Array.from(document.querySelectorAll(".frame"), (group) => ({
  group,
  rect: group.querySelector("rect"),
  label: group.querySelector("text"),
  name: group.dataset.name,
  start: Number(group.dataset.start),
  value: Number(group.dataset.value),
  shown: group.dataset.value, // exact, however many digits
  depth: Number(group.dataset.depth),
}));
const root = frames.find((frame) => frame.depth === 0);

// Draw the frames over and under `focus`, which takes the whole width.
function zoom(focus) {
  const scale = focus.value ? (WIDTH - 2 * MARGIN) / focus.value : 0;
  const end = focus.start + focus.value;
  for (const frame of frames) {
    const outer = frame.depth < focus.depth;
    const over = frame.start < end && frame.start + frame.value > focus.start;
    frame.group.classList.toggle("hidden", focus !== root && !over);
    frame.group.classList.toggle("outer", outer && over);
    if (!over) continue;
    const from = Math.max(frame.start, focus.start);
    const to = Math.min(frame.start + frame.value, end);
    const x = MARGIN + (from - focus.start) * scale;
    const width = (to - from) * scale;
    frame.rect.setAttribute("x", x);
    frame.rect.setAttribute("width", width);
    frame.label.setAttribute("x", x + 4);
    frame.label.textContent = fitted(frame.name, width);
  }
  byId("reset").classList.toggle("hidden", focus === root);
}

// Mark the frames whose name holds the text; nested ones count once.
function search(text) {
  const wanted = text.trim().toLowerCase();
  let hits = 0, total = 0, covered = 0;
  const order = frames.slice().sort((a, b) => a.start - b.start || a.depth - b.depth);
  for (const frame of order) {
    const hit = wanted !== "" && frame !== root && frame.name.toLowerCase().includes(wanted);
    frame.group.classList.toggle("hit", hit);
    if (!hit) continue;
    hits += 1;
    if (frame.start >= covered) {
      total += frame.value;
      covered = frame.start + frame.value;
    }
  }
  byId("frames").classList.toggle("searching", wanted !== "");
  show("found", wanted === "" ? "" :
    `${hits} ${hits === 1 ? "frame" : "frames"}, ${total} of ${root.shown} ` +
    `(${percent(total, root.value)})`);
}

for (const frame of frames) {
  frame.group.addEventListener("click", () => zoom(frame));
  frame.group.addEventListener("mouseenter", () =>
    show("details", `${frame.name}  ${frame.shown} (${percent(frame.value, root.value)})`));
  frame.group.addEventListener("mouseleave", () => show("details", ""));
}
controls(search, () => zoom(root));
