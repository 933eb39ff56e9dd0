// The Gantt chart: a row for each job that passes the filter. Only the rows in sight are drawn.
const scroller = byId("gantt-scroll");
const canvas = byId("gantt-canvas");
// The pixels at the left of each row, for the id of the job.
const GUTTER = 120;
const FONT = "12px system-ui, 'DejaVu Sans', sans-serif";
const SMALL_FONT = "11px system-ui, 'DejaVu Sans', sans-serif";
// The jobs of the rows, as places in the trace.
let rows = [];
// The range of time that is being dragged over.
let band = null;

const ganttRun = () => runs[chosen.run];
const lastTime = (run) => run.busy[run.busy.length - 2];

// Returns the jobs of a run in the order of rows.
function ordered(run) {
  const { submit, deadline } = run.jobs;
  const length = (n) => run.end[n] === null ? -1 : run.end[n] - submit[n];
  const lateness = (n) =>
    run.end[n] === null || deadline[n] === null ? -Infinity : run.end[n] - deadline[n];
  const keys = {
    submit: (n) => submit[n],
    deadline: (n) => deadline[n] ?? Infinity,
    jct: (n) => -length(n),
    slack: (n) => -lateness(n),
  };
  const key = keys[chosen.order];
  // Jobs outside the range have no row, unless the user asks for all.
  const [from, to] = chosen.view;
  const lasts = (n) => (run.end[n] ?? (run.held[n].length ? lastTime(run) : submit[n])) - origin;
  const isInRange = (n) => !chosen.insight || (submit[n] - origin <= to && lasts(n) >= from);
  // Not by subtraction, since `-Infinity - -Infinity` is not a number. Jobs of equal keys stay in
  // the order of the trace.
  const compare = (a, b) => key(a) === key(b) ? a - b : key(a) < key(b) ? -1 : 1;
  return keptJobs(run).filter(isInRange).sort(compare);
}

function layGantt() {
  rows = ordered(ganttRun());
  byId("gantt-space").style.height = `${Math.max(rows.length * chosen.row, 1)}px`;
  scroller.dataset.rows = String(rows.length);
  byId("gantt-rows").textContent = plural(rows.length, "row");
}

// Yields from when to when a job holds how many GPUs; -1 for an unknown number.
function* holdings(run, n) {
  const held = run.held[n];
  for (let m = 0; m < held.length; m += 2) {
    const [begin, gpus, end] = [held[m], held[m + 1], held[m + 2] ?? lastTime(run)];
    if (gpus !== 0) yield [begin - origin, end - origin, gpus];
  }
}

// Fits the canvas to the scroller, and returns its context and size in pixels of the page.
function clearCanvas() {
  const [width, height] = [scroller.clientWidth, scroller.clientHeight];
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const draw = canvas.getContext("2d");
  draw.setTransform(scale, 0, 0, scale, 0, 0);
  draw.clearRect(0, 0, width, height);
  draw.font = FONT;
  draw.textBaseline = "middle";
  return [draw, width, height];
}

function drawGantt() {
  if (!scroller.clientWidth || !scroller.clientHeight) return;
  const run = ganttRun();
  const [draw, width, height] = clearCanvas();
  const [from, to] = chosen.view;
  const right = width - 8;
  const x = (time) => GUTTER + (time - from) / (to - from) * (right - GUTTER);
  const ticks = timeTicks(GUTTER, right);
  draw.fillStyle = ink("--line");
  for (const tick of ticks) draw.fillRect(Math.round(tick.x), 0, 1, height);
  const first = Math.floor(scroller.scrollTop / chosen.row);
  const last = Math.min(rows.length, Math.ceil((scroller.scrollTop + height) / chosen.row));
  const colours = { text: ink("--ink"), soft: ink("--soft"), ground: ink("--ground"), select: ink("--select") };
  for (let row = first; row < last; row++) {
    drawGanttRow(draw, run, rows[row], row * chosen.row - scroller.scrollTop, { x, right, width, colours });
  }
  if (band) {
    draw.globalAlpha = 0.2;
    draw.fillStyle = ink("--focus");
    draw.fillRect(x(Math.min(...band)), 0, Math.abs(x(band[1]) - x(band[0])), height);
    draw.globalAlpha = 1;
  }
  const axis = svg("svg", { width, height: 22, class: "axis", "aria-hidden": "true" });
  for (const { x, text, anchor } of ticks) axis.append(softText({ x, y: 15, "text-anchor": anchor }, text));
  byId("gantt-axis").replaceChildren(axis);
}

// Draws the row of job `n`, whose upper edge is at `top`.
function drawGanttRow(draw, run, n, top, { x, right, width, colours }) {
  const middle = top + chosen.row / 2;
  if (run.jobs.key[n] === chosen.job) {
    draw.fillStyle = colours.select;
    draw.fillRect(0, top, width, chosen.row);
  }
  draw.save();
  draw.beginPath();
  draw.rect(GUTTER, top, right - GUTTER, chosen.row);
  draw.clip();
  // A thin line from the submission to the end: where no bar covers it, the job waits.
  const submit = run.jobs.submit[n] - origin;
  const end = run.end[n] === null ? submit : run.end[n] - origin;
  draw.fillStyle = colours.soft;
  draw.fillRect(x(submit), middle - 0.5, Math.max(x(end) - x(submit), 1), 1);
  const inner = Math.max(chosen.row - 2, 1);
  if (run.state[n] === "d") {
    draw.fillStyle = STATES.d.colour;
    draw.fillRect(x(submit) - 2, middle - inner / 3, 4, inner / 1.5);
  }
  for (const holding of holdings(run, n)) drawBar(draw, run, n, holding, middle, inner, { x, colours });
  const due = run.jobs.deadline[n];
  if (due !== null) {
    draw.fillStyle = colours.text;
    draw.fillRect(Math.round(x(due - origin)) - 1, top + 1, 2, inner);
  }
  draw.restore();
  if (chosen.row >= 11) {
    draw.fillStyle = colours.text;
    draw.fillText(shorten(draw, run.jobs.id[n], GUTTER - 14), 6, middle);
  }
}

// Draws the time for which a job holds some GPUs as a bar: the more GPUs, the higher.
function drawBar(draw, run, n, [begin, stop, gpus], middle, inner, { x, colours }) {
  const [from, to] = chosen.view;
  if (stop < from || begin > to) return;
  const levels = Math.max(1, Math.log2(Math.max(run.gpus, 2)));
  const share = gpus < 0 ? 0.5 : 0.35 + 0.65 * Math.log2(gpus) / levels;
  const high = chosen.row < 6 ? inner : inner * share;
  const long = Math.max(x(stop) - x(begin), 1);
  const { colour } = STATES[run.state[n]];
  draw.fillStyle = colour;
  draw.fillRect(x(begin), middle - high / 2, long, high);
  if (chosen.row < 14 || long <= 26) return;
  draw.fillStyle = colours.ground;
  draw.fillRect(x(stop) - 0.5, middle - high / 2, 1, high);
  if (high <= 10 || gpus <= 0) return;
  // Black on the one light colour.
  draw.fillStyle = colour === STATES.u.colour ? "#000000" : "#ffffff";
  draw.font = SMALL_FONT;
  draw.fillText(String(gpus), Math.max(x(begin), GUTTER) + 4, middle + 0.5);
  draw.font = FONT;
}

// Cuts a text to the pixels there are.
function shorten(draw, text, room) {
  if (draw.measureText(text).width <= room) return text;
  let kept = text.slice(0, 40);
  while (kept && draw.measureText(`${kept}…`).width > room) kept = kept.slice(0, -1);
  return `${kept}…`;
}

// Returns the job of the row under the pointer, or undefined.
function rowAt(event) {
  const y = event.clientY - canvas.getBoundingClientRect().top + scroller.scrollTop;
  return rows[Math.floor(y / chosen.row)];
}
function tell(run, n) {
  const due = run.jobs.deadline[n];
  const facts = [
    `${brief(run.jobs.id[n])}: ${brief(run.jobs.model[n])}, ${STATES[run.state[n]].name}`,
    `submitted at ${span(run.jobs.submit[n] - origin)}`,
  ];
  if (run.end[n] !== null) facts.push(`took ${span(run.end[n] - run.jobs.submit[n])}`);
  if (due !== null) facts.push(`deadline at ${span(due - origin)}`);
  return facts.join(", ");
}
// Says what a job holds at an instant.
function holdingAt(run, n, time) {
  const now = [...holdings(run, n)].find(([begin, end]) => begin <= time && time < end);
  if (!now) return "on no GPUs";
  return now[2] < 0 ? "between its start and end" : `on ${plural(now[2], "GPU")}`;
}
zoomable(canvas, () => [GUTTER, scroller.clientWidth - 8], {
  point: (time, event) => {
    const n = time === null ? undefined : rowAt(event);
    if (n === undefined) return;
    const held = holdingAt(ganttRun(), n, time);
    byId("gantt-readout").textContent = `${tell(ganttRun(), n)}; at ${span(time)} ${held}`;
  },
  press: (event) => {
    const n = rowAt(event);
    if (n !== undefined) select(ganttRun().jobs.key[n]);
  },
  mark: (from, to) => { band = from === null ? null : [from, to]; drawGantt(); },
});
scroller.addEventListener("scroll", drawGantt);
scroller.addEventListener("keydown", (event) => {
  if (onTimeKey(event)) return;
  const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!move || !rows.length) return;
  event.preventDefault();
  const row = selectedRow();
  const next = row < 0 ? 0 : Math.min(Math.max(row + move, 0), rows.length - 1);
  select(ganttRun().jobs.key[rows[next]]);
});

const selectedRow = () => rows.findIndex((n) => ganttRun().jobs.key[n] === chosen.job);
function select(key) {
  chosen.job = key;
  changed("job");
}
// Scrolls to the selected job.
function reveal() {
  const row = selectedRow();
  if (row < 0) return;
  const top = row * chosen.row;
  if (top < scroller.scrollTop || top + chosen.row > scroller.scrollTop + scroller.clientHeight) {
    scroller.scrollTop = top - scroller.clientHeight / 2;
  }
  byId("gantt-readout").textContent = tell(ganttRun(), rows[row]);
}
// Fills the table below the chart: what became of the selected job in each run.
function drawDetail() {
  const heads = ["run", "state", "ended", "deadline", "took", "changes of GPUs"];
  const body = element("tbody");
  for (const run of runs) {
    const n = chosen.job === null ? undefined : placeIn(run, chosen.job);
    if (n === undefined) continue;
    const name = element("th", { scope: "row" }, run.label);
    const cells = detailCells(run, n).map((cell) => element("td", {}, cell));
    body.append(element("tr", {}, name, ...cells, element("td", { class: "text" }, run.reason[n] ?? "")));
  }
  const detail = byId("gantt-detail");
  if (!body.children.length) {
    detail.replaceChildren();
    return;
  }
  const id = JSON.parse(chosen.job)[0];
  const caption = element("caption", { title: id }, `Job ${brief(id)}`);
  const columns = heads.map((head) => element("th", { scope: "col" }, head));
  const reason = element("th", { class: "text", scope: "col" }, "why declined");
  const head = element("thead", {}, element("tr", {}, ...columns, reason));
  detail.replaceChildren(element("table", {}, caption, head, body));
}
function detailCells(run, n) {
  const [end, due] = [run.end[n], run.jobs.deadline[n]];
  const margin = (left) => left < 0 ? `${span(-left)} late` : `${span(left)} early`;
  return [
    STATES[run.state[n]].name,
    end === null ? "-" : span(end - origin),
    end === null || due === null ? "-" : margin(due - end),
    end === null ? "-" : span(end - run.jobs.submit[n]),
    run.busy.length ? String(run.held[n].length / 2) : "not recorded",
  ];
}
