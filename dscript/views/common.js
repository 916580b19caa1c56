"use strict";
// What both pictures need: the search field, the button that resets, and text that fits.
const byId = (id) => document.getElementById(id);
const svg = document.documentElement;
const WIDTH = 1200, MARGIN = 12, CHARACTER = 7.25;

function show(id, text) { byId(id).textContent = text; }

function percent(part, whole) { return whole ? (100 * part / whole).toFixed(2) + " %" : "0 %"; }

function fitted(text, width) {
  const room = Math.floor((width - 6) / CHARACTER);
  if (room < 3) return "";
  return text.length <= room ? text : text.slice(0, room - 1) + "…";
}

function controls(search, reset) {
  byId("search").addEventListener("input", (event) => search(event.target.value));
  byId("reset").addEventListener("click", reset);
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      byId("search").value = "";
      search("");
      reset();
    } else if (event.key === "Enter" && document.activeElement === byId("reset")) {
      reset();
    }
  });
}
