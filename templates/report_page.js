// Controls, tabs, the table of jobs, and what is drawn when.
const tabs = [...document.querySelectorAll('[role="tab"]')];
const PAGE = 50;

const draws = {
  summary: () => {},
  gpus: drawGpus,
  slack: drawSlack,
  cdf: drawCdf,
  gantt: () => { layGantt(); reveal(); drawGantt(); drawDetail(); },
  jobs: drawJobs,
};
// Which changes concern which view: the others are drawn when they are opened.
const concerns = { view: ["gpus", "gantt"], job: ["gantt"], filter: ["slack", "cdf", "gantt", "jobs"], runs: Object.keys(draws), all: Object.keys(draws) };
onChange((what) => {
  if (what === "filter" || what === "runs") count();
  if (what === "view" && chosen.tab === "gantt") { layGantt(); drawGantt(); }
  else if (concerns[what].includes(chosen.tab)) draws[chosen.tab]();
});

function open(tab) {
  chosen.tab = tab.getAttribute("aria-controls");
  for (const other of tabs) {
    const is = other === tab;
    other.setAttribute("aria-selected", String(is));
    other.tabIndex = is ? 0 : -1;
    byId(other.getAttribute("aria-controls")).hidden = !is;
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
  const box = element("input", { type: "checkbox", checked: "", onchange: () => { run.shown = box.checked; changed("runs"); } });
  const swatch = svg("svg", { width: 24, height: 10, "aria-hidden": "true" });
  run.swatch = svg("line", { x1: 0, x2: 24, y1: 5, y2: 5, "stroke-width": 4, "stroke-dasharray": run.dash });
  swatch.append(run.swatch);
  byId("runs").append(element("label", {}, box, swatch, run.label));
  byId("gantt-run").append(element("option", { value: run.index }, run.label));
}
byId("state").append(element("option", { value: "" }, "all"), ...Object.entries(STATES).map(([letter, state]) => element("option", { value: letter }, state.name)));

const legend = byId("gantt-legend");
for (const state of Object.values(STATES)) {
  legend.append(element("span", { class: "state" }, element("span", { class: "swatch", style: `background:${state.colour}` }), state.name), " ");
}
legend.append("The higher a bar, the more GPUs; a thin line is a job that waits, an upright stroke its deadline.");

byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("filter").addEventListener("input", (event) => { chosen.text = event.target.value.trim(); chosen.page = 0; changed("filter"); });
byId("state").addEventListener("change", (event) => { chosen.state = event.target.value; chosen.page = 0; changed("filter"); });
byId("gantt-run").addEventListener("change", (event) => { chosen.run = Number(event.target.value); draws.gantt(); });
byId("gantt-order").addEventListener("change", (event) => { chosen.order = event.target.value; scroller.scrollTop = 0; draws.gantt(); });
byId("gantt-insight").addEventListener("change", (event) => { chosen.insight = event.target.checked; draws.gantt(); });
byId("gantt-fit").addEventListener("click", () => {
  const ends = keptJobs(ganttRun()).map((n) => (ganttRun().end[n] ?? 0) - origin);
  const begins = keptJobs(ganttRun()).map((n) => ganttRun().jobs.submit[n] - origin);
  if (ends.length) look(least(begins), Math.max(ends.reduce((a, b) => Math.max(a, b), 0), least(begins) + LEAST));
});
const rowHeights = [2, 4, 8, 12, 16, 20, 28];
function rowsBy(step) {
  const at = rowHeights.indexOf(chosen.row);
  chosen.row = rowHeights[Math.min(Math.max(at + step, 0), rowHeights.length - 1)];
  draws.gantt();
}
byId("rows-less").addEventListener("click", () => rowsBy(-1));
byId("rows-more").addEventListener("click", () => rowsBy(1));

// Every job that some shown run has, in the order of the traces.
function listed() {
  const found = new Map();
  for (const run of shownRuns()) {
    for (const n of keptJobs(run)) if (!found.has(run.jobs.key[n])) found.set(run.jobs.key[n], [run, n]);
  }
  return [...found.values()];
}
function count() {
  const all = new Set(shownRuns().flatMap((run) => run.jobs.key)).size;
  byId("count").textContent = `${listed().length} of ${plural(all, "job")}`;
}

// Shows a job in the Gantt chart: of the run that is there, or else of one that has it.
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
  const begin = chosen.page * PAGE;
  byId("page-where").textContent = all.length ? `${begin + 1} to ${Math.min(begin + PAGE, all.length)} of ${all.length}` : "no job matches the filter";
  byId("page-back").disabled = chosen.page === 0;
  byId("page-on").disabled = chosen.page >= pages - 1;
  const shown = shownRuns();
  const heads = ["GPUs asked", "submitted", "time to deadline", ...shown.map((run) => run.label)];
  const body = element("tbody");
  for (const [run, n] of all.slice(begin, begin + PAGE)) {
    const [id, key, model] = [run.jobs.id[n], run.jobs.key[n], run.jobs.model[n]];
    const due = run.jobs.deadline[n];
    const cells = [String(run.jobs.gpus[n]), span(run.jobs.submit[n] - origin), due === null ? "-" : span(due - run.jobs.submit[n])];
    for (const other of shown) {
      const m = placeIn(other, key);
      const end = m === undefined ? null : other.end[m];
      cells.push(m === undefined ? "-" : STATES[other.state[m]].name + (end === null ? "" : `, ${span(end - other.jobs.submit[m])}`));
    }
    const show = element("button", { type: "button", title: `${id}: show in the Gantt chart`, onclick: () => inGantt(run, key) }, id);
    body.append(element("tr", {}, element("th", { scope: "row" }, show), element("td", { class: "name", title: model }, model), ...cells.map((cell) => element("td", {}, cell))));
  }
  byId("jobs-table").replaceChildren(element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "job"),
    element("th", { scope: "col", class: "name" }, "model"), ...heads.map((head) => element("th", { scope: "col" }, head)))), body));
}
byId("page-back").addEventListener("click", () => { chosen.page--; drawJobs(); });
byId("page-on").addEventListener("click", () => { chosen.page++; drawJobs(); });

function dress(dark) {
  root.dataset.theme = dark ? "dark" : "light";
  byId("theme").textContent = dark ? "Light colours" : "Dark colours";
  for (const run of runs) run.swatch.setAttribute("stroke", colourOf(run));
  changed("all");
}
byId("theme").addEventListener("click", () => dress(root.dataset.theme !== "dark"));
let waiting = 0;
window.addEventListener("resize", () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(() => changed("all")); });
for (const id of ["gpus-chart"]) {
  byId(id).tabIndex = 0;
  byId(id).addEventListener("keydown", onTimeKey);
}

dress(window.matchMedia("(prefers-color-scheme: dark)").matches);
changed("filter");
root.dataset.ready = "yes";
