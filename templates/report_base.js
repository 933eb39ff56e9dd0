// The data, what is shown of it, and how elements are made. Text is only ever set as text.
const data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;
const byId = (id) => document.getElementById(id);

// Okabe and Ito's palette: told apart whatever colours one sees. "" is the ink of the page.
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "", "#F0E442"];
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "12 3", "4 2", "1 2", "6 2 1 2"];
const STATES = {
  m: { name: "met", colour: "#0072B2" },
  l: { name: "late", colour: "#D55E00" },
  c: { name: "completed", colour: "#009E73" },
  u: { name: "unfinished", colour: "#E69F00" },
  d: { name: "declined", colour: "#8A8F96" },
};

// Time zero of every axis: the first submission, or the first change of any run.
const least = (list) => list.reduce((a, b) => Math.min(a, b), Infinity);
const zero = Math.min(...data.traces.map((jobs) => least(jobs.submit)), ...data.runs.map((run) => run.busy[0] ?? Infinity));
const most = Math.max(1, ...data.runs.map((run) =>
  Math.max(run.end.reduce((a, b) => Math.max(a, b ?? 0), 0), run.busy[run.busy.length - 2] ?? 0) - zero));
const origin = Number.isFinite(zero) ? zero : 0;

// What tells a job from those of other traces: ids are often row numbers.
for (const jobs of data.traces) {
  jobs.key = jobs.id.map((id, n) => JSON.stringify([id, jobs.model[n], jobs.gpus[n], jobs.submit[n], jobs.deadline[n]]));
}

const runs = data.runs.map((run, index) => {
  const jobs = data.traces[run.trace];
  return { ...run, index, jobs, colour: COLOURS[index % COLOURS.length], dash: DASHES[index % DASHES.length],
    shown: true };
});

// What the user chose.
const chosen = { text: "", state: "", view: [0, most], run: 0, order: "submit", row: 20, job: null, page: 0, insight: true, tab: "summary" };

const listeners = [];
const changed = (what) => listeners.forEach((listener) => listener(what));
const onChange = (listener) => listeners.push(listener);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const ink = (name) => getComputedStyle(root).getPropertyValue(name).trim();
const colourOf = (run) => run.colour || ink("--ink");
const shownRuns = () => runs.filter((run) => run.shown);

// The place of a job in another run's trace, if it is there.
function placeIn(run, key) {
  if (!run.jobs.place) run.jobs.place = new Map(run.jobs.key.map((key, n) => [key, n]));
  return run.jobs.place.get(key);
}

// Which jobs of a run the filter lets through, as places in its trace.
const kept = new Map();
onChange((what) => { if (what === "filter" || what === "runs") kept.clear(); });
function keptJobs(run) {
  if (!kept.has(run.index)) {
    const text = chosen.text.toLowerCase();
    const found = [];
    for (let n = 0; n < run.jobs.id.length; n++) {
      if (chosen.state && run.state[n] !== chosen.state) continue;
      if (text && !run.jobs.id[n].toLowerCase().includes(text) && !run.jobs.model[n].toLowerCase().includes(text)) continue;
      found.push(n);
    }
    kept.set(run.index, found);
  }
  return kept.get(run.index);
}

const UNITS = [["s", 1, 180], ["min", 60, 10800], ["h", 3600, 864000], ["d", 86400, Infinity]];
const unitFor = (seconds) => UNITS.find((unit) => seconds < unit[2]);
const plain = (number) => String(Math.round(number * 100) / 100);
function span(seconds) {
  const [name, size] = unitFor(Math.abs(seconds));
  const number = seconds / size;
  return `${Math.abs(number) < 1000 ? Number(number.toPrecision(3)) : Math.round(number)} ${name}`;
}
const brief = (text) => text.length > 60 ? `${[...text].slice(0, 59).join("")}…` : text;
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

// Steps of 1, 2 or 5 times a power of ten that divide a range into about `count` parts.
function steps(from, to, count) {
  const rough = Math.max((to - from) / count, 1e-9);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const all = [];
  for (let n = Math.ceil(from / step - 1e-9); n * step <= to + step * 1e-9; n++) all.push(n * step);
  return all;
}
