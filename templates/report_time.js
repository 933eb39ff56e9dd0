// The range of time that is shown, the same on all axes of time, and the ways to change it.

// The shortest range, in seconds.
const SHORTEST = 1;

function look(from, to) {
  const length = Math.min(Math.max(to - from, SHORTEST), most);
  const begin = Math.min(Math.max(from, 0), most - length);
  chosen.view = [begin, begin + length];
  changed("view");
}
function zoom(factor, at = (chosen.view[0] + chosen.view[1]) / 2) {
  const [from, to] = chosen.view;
  look(at - (at - from) * factor, at - (at - from) * factor + (to - from) * factor);
}
function pan(share) {
  const [from, to] = chosen.view;
  const by = (to - from) * share;
  look(from + by, to + by);
}

for (const tools of document.querySelectorAll("[data-zoom]")) {
  const button = (text, label, act) =>
    element("button", { type: "button", "aria-label": label, title: label, onclick: act }, text);
  tools.append(
    button("+", "Zoom in", () => zoom(0.5)),
    button("−", "Zoom out", () => zoom(2)),
    button("◀", "Earlier", () => pan(-0.25)),
    button("▶", "Later", () => pan(0.25)),
    button("All", "Show all of the time", () => look(0, most)),
    element("output", { class: "view" }),
  );
}
onChange((what) => {
  if (what !== "view" && what !== "all") return;
  const [from, to] = chosen.view;
  const text = `${span(from)} to ${span(to)} after the first submission`;
  for (const output of document.querySelectorAll("output.view")) output.textContent = text;
});

const timeKeys = {
  "+": () => zoom(0.5),
  "=": () => zoom(0.5),
  "-": () => zoom(2),
  "0": () => look(0, most),
  ArrowLeft: () => pan(-0.25),
  ArrowRight: () => pan(0.25),
};
// Returns whether the key was one that changes the range.
function onTimeKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !timeKeys[event.key]) return false;
  event.preventDefault();
  timeKeys[event.key]();
  return true;
}

// Lets the user zoom in an element: by dragging over a range, by Ctrl and the wheel, and back by a
// double click. `plot` returns the left and right end of the axis, in pixels of the element. `point`
// receives the time under the pointer, or null when the pointer leaves; `press` a click that is not a
// drag; `mark` the range that is being dragged over, or null when that ends.
function zoomable(target, plot, { point = () => {}, press = () => {}, mark = () => {} }) {
  let begun = null;
  const timeAt = (event) => {
    const [left, right] = plot();
    const share = (event.clientX - target.getBoundingClientRect().left - left) / (right - left);
    return chosen.view[0] + Math.min(Math.max(share, 0), 1) * (chosen.view[1] - chosen.view[0]);
  };
  target.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    begun = { x: event.clientX, time: timeAt(event) };
    target.setPointerCapture(event.pointerId);
  });
  target.addEventListener("pointermove", (event) => {
    if (begun && Math.abs(event.clientX - begun.x) > 4) mark(begun.time, timeAt(event));
    point(timeAt(event), event);
  });
  target.addEventListener("pointerup", (event) => {
    if (!begun) return;
    const { x, time } = begun;
    begun = null;
    mark(null);
    if (Math.abs(event.clientX - x) > 4) look(Math.min(time, timeAt(event)), Math.max(time, timeAt(event)));
    else press(event);
  });
  target.addEventListener("pointercancel", () => { begun = null; mark(null); });
  target.addEventListener("pointerleave", (event) => point(null, event));
  target.addEventListener("dblclick", () => look(0, most));
  target.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, timeAt(event));
  }, { passive: false });
}

// Returns the ticks of the axis of time between two pixels: the pixel, the text, and its anchor.
function timeTicks(left, right) {
  const [from, to] = chosen.view;
  const [name, size] = unitFor(to);
  const places = steps(from / size, to / size, Math.max(2, Math.floor((right - left) / 90)));
  return places.map((place) => {
    const x = left + (place * size - from) / (to - from) * (right - left);
    return { x, text: `${String(Number(place.toPrecision(8)))} ${name}`, anchor: x > right - 16 ? "end" : "middle" };
  });
}
function timeAxis(parent, left, right, top, height) {
  for (const { x, text, anchor } of timeTicks(left, right)) {
    parent.append(svg("line", { class: "grid", x1: x, x2: x, y1: top, y2: top + height }));
    parent.append(svg("text", { class: "soft", x, y: top + height + 16, "text-anchor": anchor }, text));
  }
}
