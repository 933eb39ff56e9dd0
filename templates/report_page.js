// The controls, the tabs, the table of jobs, and what is drawn when.
const tabs = [...document.querySelectorAll('[role="tab"]')];
// Rows on a page of the table of jobs.
const PAGE = 50;

function drawWholeGantt() {
  layGantt();
  reveal();
  drawGantt();
  drawDetail();
}
const draws = {
  summary: () => {},
  gpus: drawGpus,
  slack: drawSlack,
  cdf: drawCdf,
  gantt: drawWholeGantt,
  jobs: drawJobs,
};
// Which tabs each change concerns. Only the open one is drawn, the others when they are opened.
const concerns = {
  view: ["gpus", "gantt"],
  job: ["gantt"],
  filter: ["slack", "cdf", "gantt", "jobs"],
  runs: Object.keys(draws),
  all: Object.keys(draws),
};
onChange((what) => {
  if (what === "filter" || what === "runs") count();
  if (what === "view" && chosen.tab === "gantt") {
    // Without `reveal`: the user moves in time, not to the selected job.
    layGantt();
    drawGantt();
  } else if (concerns[what].includes(chosen.tab)) {
    draws[chosen.tab]();
  }
});

function open(tab) {
  chosen.tab = tab.getAttribute("aria-controls");
  for (const other of tabs) {
    const isOpen = other === tab;
    other.setAttribute("aria-selected", String(isOpen));
    other.tabIndex = isOpen ? 0 : -1;
    byId(other.getAttribute("aria-controls")).hidden = !isOpen;
  }
  draws[chosen.tab]();
}
tabs.forEach((tab, n) => {
  tab.addEventListener("click", () => open(tab));
  tab.addEventListener("keydown", (event) => {
    const to = { ArrowRight: n + 1, ArrowLeft: n - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    next.focus();
    open(next);
  });
});

for (const run of runs) {
  const show = () => {
    run.shown = box.checked;
    changed("runs");
  };
  const box = element("input", { type: "checkbox", checked: "", onchange: show });
  const swatch = svg("svg", { width: 24, height: 10, "aria-hidden": "true" });
  run.swatch = svg("line", { x1: 0, x2: 24, y1: 5, y2: 5, "stroke-width": 4, "stroke-dasharray": run.dash });
  swatch.append(run.swatch);
  byId("runs").append(element("label", {}, box, swatch, run.label));
  byId("gantt-run").append(element("option", { value: run.index }, run.label));
}
const stateOption = ([letter, state]) => element("option", { value: letter }, state.name);
byId("state").append(element("option", { value: "" }, "all"), ...Object.entries(STATES).map(stateOption));

const legend = byId("gantt-legend");
for (const state of Object.values(STATES)) {
  const swatch = element("span", { class: "swatch", style: `background:${state.colour}` });
  legend.append(element("span", { class: "state" }, swatch, state.name), " ");
}
legend.append("The higher a bar, the more GPUs; a thin line is a job that waits, an upright stroke its deadline.");

byId("controls").addEventListener("submit", (event) => event.preventDefault());
function filter(by) {
  Object.assign(chosen, by, { page: 0 });
  changed("filter");
}
byId("filter").addEventListener("input", (event) => filter({ text: event.target.value.trim() }));
byId("state").addEventListener("change", (event) => filter({ state: event.target.value }));
byId("gantt-run").addEventListener("change", (event) => {
  chosen.run = Number(event.target.value);
  drawWholeGantt();
});
byId("gantt-order").addEventListener("change", (event) => {
  chosen.order = event.target.value;
  scroller.scrollTop = 0;
  drawWholeGantt();
});
byId("gantt-insight").addEventListener("change", (event) => {
  chosen.insight = event.target.checked;
  drawWholeGantt();
});
byId("gantt-fit").addEventListener("click", () => {
  const run = ganttRun();
  const jobs = keptJobs(run);
  if (!jobs.length) return;
  const begin = smallest(jobs.map((n) => run.jobs.submit[n] - origin));
  const end = largest(jobs.map((n) => (run.end[n] ?? 0) - origin));
  look(begin, Math.max(end, begin + SHORTEST));
});
const rowHeights = [2, 4, 8, 12, 16, 20, 28];
function rowsBy(step) {
  const next = rowHeights.indexOf(chosen.row) + step;
  chosen.row = rowHeights[Math.min(Math.max(next, 0), rowHeights.length - 1)];
  drawWholeGantt();
}
byId("rows-less").addEventListener("click", () => rowsBy(-1));
byId("rows-more").addEventListener("click", () => rowsBy(1));

// Returns every job that some shown run has, in the order of the traces: a run that has it, and its
// place there.
function listed() {
  const found = new Map();
  for (const run of shownRuns()) {
    for (const n of keptJobs(run)) {
      if (!found.has(run.jobs.key[n])) found.set(run.jobs.key[n], [run, n]);
    }
  }
  return [...found.values()];
}
function count() {
  const all = new Set(shownRuns().flatMap((run) => run.jobs.key)).size;
  byId("count").textContent = `${listed().length} of ${plural(all, "job")}`;
}

// Shows a job in the Gantt chart: of the run that it shows, if that has the job, otherwise of `run`.
function inGantt(run, key) {
  chosen.job = key;
  if (placeIn(ganttRun(), key) === undefined) {
    chosen.run = run.index;
    byId("gantt-run").value = String(run.index);
  }
  open(byId("tab-gantt"));
  scroller.focus();
}

function drawJobs() {
  const all = listed();
  const pages = Math.max(1, Math.ceil(all.length / PAGE));
  chosen.page = Math.min(chosen.page, pages - 1);
  const [begin, end] = [chosen.page * PAGE, Math.min((chosen.page + 1) * PAGE, all.length)];
  const where = all.length ? `${begin + 1} to ${end} of ${all.length}` : "no job matches the filter";
  byId("page-where").textContent = where;
  byId("page-back").disabled = chosen.page === 0;
  byId("page-on").disabled = chosen.page >= pages - 1;
  const shown = shownRuns();
  const heads = ["GPUs asked", "submitted", "time to deadline", ...shown.map((run) => run.label)];
  const head = element("tr", {},
    element("th", { scope: "col" }, "job"),
    element("th", { scope: "col", class: "name" }, "model"),
    ...heads.map((text) => element("th", { scope: "col" }, text)),
  );
  const body = element("tbody", {}, ...all.slice(begin, end).map(([run, n]) => jobRow(run, n, shown)));
  byId("jobs-table").replaceChildren(element("table", {}, element("thead", {}, head), body));
}
// The row of a job: what the trace has of it, and what became of it in each shown run.
function jobRow(run, n, shown) {
  const [id, key, model] = [run.jobs.id[n], run.jobs.key[n], run.jobs.model[n]];
  const [submit, due] = [run.jobs.submit[n], run.jobs.deadline[n]];
  const cells = [String(run.jobs.gpus[n]), span(submit - origin), due === null ? "-" : span(due - submit)];
  const title = `${id}: show in the Gantt chart`;
  const show = element("button", { type: "button", title, onclick: () => inGantt(run, key) }, id);
  return element("tr", {},
    element("th", { scope: "row" }, show),
    element("td", { class: "name", title: model }, model),
    ...[...cells, ...shown.map((other) => outcome(other, key))].map((cell) => element("td", {}, cell)),
  );
}
// What became of a job in a run.
function outcome(run, key) {
  const n = placeIn(run, key);
  if (n === undefined) return "-";
  const { name } = STATES[run.state[n]];
  return run.end[n] === null ? name : `${name}, ${span(run.end[n] - run.jobs.submit[n])}`;
}
function turnPage(by) {
  chosen.page += by;
  drawJobs();
}
byId("page-back").addEventListener("click", () => turnPage(-1));
byId("page-on").addEventListener("click", () => turnPage(1));

// Changes to the dark or the light colours.
function setColours(dark) {
  root.dataset.theme = dark ? "dark" : "light";
  byId("theme").textContent = dark ? "Light colours" : "Dark colours";
  for (const run of runs) run.swatch.setAttribute("stroke", colourOf(run));
  changed("all");
}
byId("theme").addEventListener("click", () => setColours(root.dataset.theme !== "dark"));
// Redraws once for all resizes within a frame.
let waiting = 0;
window.addEventListener("resize", () => {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(() => changed("all"));
});
byId("gpus-chart").tabIndex = 0;
byId("gpus-chart").addEventListener("keydown", onTimeKey);

setColours(window.matchMedia("(prefers-color-scheme: dark)").matches);
changed("filter");
root.dataset.ready = "yes";
