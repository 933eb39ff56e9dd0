// The Gantt chart: a row for each job that the filter lets through, drawn only where it is in sight.
const scroller = byId("gantt-scroll");
const canvas = byId("gantt-canvas");
const GUTTER = 120;
const FONT = "12px system-ui, 'DejaVu Sans', sans-serif";
let rows = [];
let band = null;

const ganttRun = () => runs[chosen.run];
function ordered(run) {
  const jobs = run.jobs;
  const length = (n) => run.end[n] === null ? -1 : run.end[n] - jobs.submit[n];
  const late = (n) => run.end[n] === null || jobs.deadline[n] === null ? -Infinity : run.end[n] - jobs.deadline[n];
  const keys = { submit: (n) => jobs.submit[n], deadline: (n) => jobs.deadline[n] ?? Infinity, jct: (n) => -length(n), slack: (n) => -late(n) };
  const key = keys[chosen.order];
  // Rows without anything in the range that is looked at are left out, unless all are asked for.
  const [from, to] = chosen.view;
  const lasts = (n) => (run.end[n] ?? (run.held[n].length ? run.busy[run.busy.length - 2] : jobs.submit[n])) - origin;
  const inSight = (n) => !chosen.insight || (jobs.submit[n] - origin <= to && lasts(n) >= from);
  // `-Infinity - -Infinity` is no number: equal keys stay in the order of the trace.
  return keptJobs(run).filter(inSight).sort((a, b) => key(a) === key(b) ? a - b : key(a) < key(b) ? -1 : 1);
}

function layGantt() {
  rows = ordered(ganttRun());
  byId("gantt-space").style.height = `${Math.max(rows.length * chosen.row, 1)}px`;
  scroller.dataset.rows = String(rows.length);
  byId("gantt-rows").textContent = plural(rows.length, "row");
}

// From when to when a job holds how many GPUs.
function* holdings(run, n) {
  const held = run.held[n];
  for (let m = 0; m < held.length; m += 2) {
    if (held[m + 1] !== 0) yield [held[m] - origin, (held[m + 2] ?? run.busy[run.busy.length - 2]) - origin, held[m + 1]];
  }
}

function drawGantt() {
  const run = ganttRun();
  const [width, height] = [scroller.clientWidth, scroller.clientHeight];
  if (!width || !height) return;
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const draw = canvas.getContext("2d");
  draw.setTransform(scale, 0, 0, scale, 0, 0);
  draw.clearRect(0, 0, width, height);
  const [from, to] = chosen.view;
  const right = width - 8;
  const x = (time) => GUTTER + (time - from) / (to - from) * (right - GUTTER);
  const [text, soft, line] = [ink("--ink"), ink("--soft"), ink("--line")];
  draw.font = FONT;
  draw.textBaseline = "middle";
  draw.fillStyle = line;
  for (const tick of timeTicks(GUTTER, right)) draw.fillRect(Math.round(tick.x), 0, 1, height);
  const first = Math.floor(scroller.scrollTop / chosen.row);
  const last = Math.min(rows.length, Math.ceil((scroller.scrollTop + height) / chosen.row));
  const levels = Math.max(1, Math.log2(Math.max(run.gpus, 2)));
  for (let row = first; row < last; row++) {
    const n = rows[row];
    const top = row * chosen.row - scroller.scrollTop;
    const middle = top + chosen.row / 2;
    if (run.jobs.key[n] === chosen.job) {
      draw.fillStyle = ink("--select");
      draw.fillRect(0, top, width, chosen.row);
    }
    draw.save();
    draw.beginPath();
    draw.rect(GUTTER, top, right - GUTTER, chosen.row);
    draw.clip();
    // From the submission to the end a thin line: where it is not covered, the job waits.
    const submit = run.jobs.submit[n] - origin;
    const end = run.end[n] === null ? submit : run.end[n] - origin;
    draw.fillStyle = soft;
    draw.fillRect(x(submit), middle - 0.5, Math.max(x(end) - x(submit), 1), 1);
    const inner = Math.max(chosen.row - 2, 1);
    const state = STATES[run.state[n]];
    draw.fillStyle = state.colour;
    if (run.state[n] === "d") {
      draw.fillRect(x(submit) - 2, middle - inner / 3, 4, inner / 1.5);
    }
    for (const [begin, stop, gpus] of holdings(run, n)) {
      if (stop < from || begin > to) continue;
      const high = chosen.row < 6 ? inner : inner * (gpus < 0 ? 0.5 : 0.35 + 0.65 * Math.log2(gpus) / levels);
      const long = Math.max(x(stop) - x(begin), 1);
      draw.fillStyle = state.colour;
      draw.fillRect(x(begin), middle - high / 2, long, high);
      if (chosen.row >= 14 && long > 26) {
        draw.fillStyle = ink("--ground");
        draw.fillRect(x(stop) - 0.5, middle - high / 2, 1, high);
        if (high > 10 && gpus > 0) {
          draw.fillStyle = state.colour === "#E69F00" ? "#000000" : "#ffffff";
          draw.font = "11px system-ui, 'DejaVu Sans', sans-serif";
          draw.fillText(String(gpus), Math.max(x(begin), GUTTER) + 4, middle + 0.5);
          draw.font = FONT;
        }
      }
    }
    const due = run.jobs.deadline[n];
    if (due !== null) {
      draw.fillStyle = text;
      draw.fillRect(Math.round(x(due - origin)) - 1, top + 1, 2, inner);
    }
    draw.restore();
    if (chosen.row >= 11) {
      draw.fillStyle = text;
      draw.fillText(shorten(draw, run.jobs.id[n], GUTTER - 14), 6, middle);
    }
  }
  if (band) {
    draw.globalAlpha = 0.2;
    draw.fillStyle = ink("--focus");
    draw.fillRect(x(Math.min(...band)), 0, Math.abs(x(band[1]) - x(band[0])), height);
    draw.globalAlpha = 1;
  }
  const axis = svg("svg", { width, height: 22, class: "axis", "aria-hidden": "true" });
  for (const tick of timeTicks(GUTTER, right)) axis.append(svg("text", { class: "soft", x: tick.x, y: 15, "text-anchor": tick.anchor }, tick.text));
  byId("gantt-axis").replaceChildren(axis);
}
function shorten(draw, text, room) {
  if (draw.measureText(text).width <= room) return text;
  let kept = text.slice(0, 40);
  while (kept && draw.measureText(`${kept}…`).width > room) kept = kept.slice(0, -1);
  return `${kept}…`;
}

const rowAt = (event) => rows[Math.floor((event.clientY - canvas.getBoundingClientRect().top + scroller.scrollTop) / chosen.row)];
function tell(run, n) {
  const due = run.jobs.deadline[n];
  const facts = [`${brief(run.jobs.id[n])}: ${brief(run.jobs.model[n])}, ${STATES[run.state[n]].name}`, `submitted at ${span(run.jobs.submit[n] - origin)}`];
  if (run.end[n] !== null) facts.push(`took ${span(run.end[n] - run.jobs.submit[n])}`);
  if (due !== null) facts.push(`deadline at ${span(due - origin)}`);
  return facts.join(", ");
}
zoomable(canvas, () => [GUTTER, scroller.clientWidth - 8], {
  point: (time, event) => {
    const n = time === null ? undefined : rowAt(event);
    if (n === undefined) return;
    const now = [...holdings(ganttRun(), n)].find(([begin, end]) => begin <= time && time < end);
    byId("gantt-readout").textContent = `${tell(ganttRun(), n)}; at ${span(time)} ${now ? (now[2] < 0 ? "between its start and end" : `on ${plural(now[2], "GPU")}`) : "on no GPUs"}`;
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
  const at = rows.findIndex((n) => ganttRun().jobs.key[n] === chosen.job);
  const next = at < 0 ? 0 : Math.min(Math.max(at + move, 0), rows.length - 1);
  select(ganttRun().jobs.key[rows[next]]);
});

function select(key) {
  chosen.job = key;
  changed("job");
}
function reveal() {
  const at = rows.findIndex((n) => ganttRun().jobs.key[n] === chosen.job);
  if (at < 0) return;
  const top = at * chosen.row;
  if (top < scroller.scrollTop || top + chosen.row > scroller.scrollTop + scroller.clientHeight) {
    scroller.scrollTop = top - scroller.clientHeight / 2;
  }
  byId("gantt-readout").textContent = tell(ganttRun(), rows[at]);
}
function drawDetail() {
  const heads = ["run", "state", "ended", "deadline", "took", "changes of GPUs"];
  const margin = (left) => left < 0 ? `${span(-left)} late` : `${span(left)} early`;
  const body = element("tbody");
  for (const run of runs) {
    const n = chosen.job === null ? undefined : placeIn(run, chosen.job);
    if (n === undefined) continue;
    const [end, due] = [run.end[n], run.jobs.deadline[n]];
    const cells = [STATES[run.state[n]].name, end === null ? "-" : span(end - origin), end === null || due === null ? "-" : margin(due - end),
      end === null ? "-" : span(end - run.jobs.submit[n]), run.busy.length ? String(run.held[n].length / 2) : "not recorded"];
    body.append(element("tr", {}, element("th", { scope: "row" }, run.label), ...cells.map((cell) => element("td", {}, cell)),
      element("td", { class: "text" }, run.reason[n] ?? "")));
  }
  const id = chosen.job === null ? "" : JSON.parse(chosen.job)[0];
  byId("gantt-detail").replaceChildren(...(body.children.length ? [element("table", {}, element("caption", { title: id }, `Job ${brief(id)}`),
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)), element("th", { class: "text", scope: "col" }, "why declined"))), body)] : []));
}
