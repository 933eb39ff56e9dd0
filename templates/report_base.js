// The data, what the user chose to see of it, and how elements are made. Text from the data is only
// ever set as text.
const data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;
const byId = (id) => document.getElementById(id);

// The palette of Okabe and Ito, which colour-blind readers can tell apart. "" is the ink of the page.
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "", "#F0E442"];
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "12 3", "4 2", "1 2", "6 2 1 2"];
const STATES = {
  m: { name: "met", colour: "#0072B2" },
  l: { name: "late", colour: "#D55E00" },
  c: { name: "completed", colour: "#009E73" },
  u: { name: "unfinished", colour: "#E69F00" },
  d: { name: "declined", colour: "#8A8F96" },
  n: { name: "not submitted", colour: "#CC79A7" },
};

const smallest = (list) => list.reduce((a, b) => Math.min(a, b), Infinity);
const largest = (list) => list.reduce((a, b) => Math.max(a, b ?? 0), 0);

// Zero of every axis of time: the first submission, or the first change of any run.
const firstTime = Math.min(
  ...data.traces.map((jobs) => smallest(jobs.submit)),
  ...data.runs.map((run) => run.busy[0] ?? Infinity),
);
const origin = Number.isFinite(firstTime) ? firstTime : 0;
// The end of every axis of time: the last end or change of any run.
const most = Math.max(1, ...data.runs.map((run) =>
  Math.max(largest(run.end), run.busy[run.busy.length - 2] ?? 0) - firstTime));

// The key of a job tells it from jobs of other traces: their ids are often row numbers.
for (const jobs of data.traces) {
  jobs.key = jobs.id.map((id, n) =>
    JSON.stringify([id, jobs.model[n], jobs.gpus[n], jobs.submit[n], jobs.deadline[n]]));
}

const runs = data.runs.map((run, index) => ({
  ...run,
  index,
  jobs: data.traces[run.trace],
  colour: COLOURS[index % COLOURS.length],
  dash: DASHES[index % DASHES.length],
  shown: true,
}));

// What the user chose.
const chosen = {
  tab: "summary",
  // The filter of jobs: a part of an id or model, and the letter of a state.
  text: "",
  state: "",
  // The range of time that is shown, in seconds after the origin.
  view: [0, most],
  // Of the Gantt chart: the run, the order of rows, the height of a row in pixels, the key of the
  // selected job, and whether to show only jobs of the range.
  run: 0,
  order: "submit",
  row: 20,
  job: null,
  insight: true,
  // The page of the table of jobs.
  page: 0,
};

// Each listener is told what changed: "view", "job", "filter", "runs" or "all".
const listeners = [];
const changed = (what) => listeners.forEach((listener) => listener(what));
const onChange = (listener) => listeners.push(listener);

// Makes an HTML element; attributes that begin with "on" are listeners, and null means none. A style
// is set as a property: the page's policy forbids the attribute.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "style") made.style.cssText = value;
    else if (value !== null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// Makes an SVG element.
function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const ink = (name) => getComputedStyle(root).getPropertyValue(name).trim();
const colourOf = (run) => run.colour || ink("--ink");
const shownRuns = () => runs.filter((run) => run.shown);

// Returns the place of a job in a run's trace, or undefined if the trace lacks it.
function placeIn(run, key) {
  if (!run.jobs.place) run.jobs.place = new Map(run.jobs.key.map((key, n) => [key, n]));
  return run.jobs.place.get(key);
}

// The jobs of a run that pass the filter, as places in its trace.
const kept = new Map();
onChange((what) => { if (what === "filter" || what === "runs") kept.clear(); });
function keptJobs(run) {
  if (!kept.has(run.index)) {
    const text = chosen.text.toLowerCase();
    const found = [];
    for (let n = 0; n < run.jobs.id.length; n++) {
      const hasText = [run.jobs.id[n], run.jobs.model[n]].some((name) => name.toLowerCase().includes(text));
      if (hasText && (!chosen.state || run.state[n] === chosen.state)) found.push(n);
    }
    kept.set(run.index, found);
  }
  return kept.get(run.index);
}

// Units of time: name, seconds, and up to how many seconds the unit is used.
const UNITS = [["s", 1, 180], ["min", 60, 10800], ["h", 3600, 864000], ["d", 86400, Infinity]];
const unitFor = (seconds) => UNITS.find((unit) => seconds < unit[2]);
const plain = (number) => String(Math.round(number * 100) / 100);
// Writes a duration with its unit.
function span(seconds) {
  const [name, size] = unitFor(Math.abs(seconds));
  const number = seconds / size;
  return `${Math.abs(number) < 1000 ? Number(number.toPrecision(3)) : Math.round(number)} ${name}`;
}
const brief = (text) => text.length > 60 ? `${[...text].slice(0, 59).join("")}…` : text;
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

// Returns multiples of 1, 2 or 5 times a power of ten that divide a range into about `count` parts.
function steps(from, to, count) {
  const rough = Math.max((to - from) / count, 1e-9);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const all = [];
  for (let n = Math.ceil(from / step - 1e-9); n * step <= to + step * 1e-9; n++) all.push(n * step);
  return all;
}
