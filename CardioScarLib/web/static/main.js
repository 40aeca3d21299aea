// The page: what the session holds decides what is shown.

import { Problem, ask, getLabels, getState, putLabels, send, upload } from "./api.js";
import { Drawing } from "./drawing.js";
import { Heart } from "./heart.js";
import { MapView } from "./map.js";
import { showNumbers } from "./numbers.js";
import { Slices } from "./slices.js";

const WHILE_AT_WORK = 600, OTHERWISE = 15000;
const STEPS = {
  upload: "Reading the upload", restore: "Opening the session", example: "Making the example", open: "Opening the case", segment: "Segmenting",
  fill: "Filling between slices", wall: "Making the wall", map: "Making the map", numbers: "Numbering the segments",
  report: "Writing the report", export: "Writing files", labels: "Writing the labels",
};

const page = new Proxy({}, { get: (_, name) => document.getElementById(name.replace(/[A-Z0-9]+/g, (part) => `-${part.toLowerCase()}`)) });
const slices = new Slices(page.slices);
const heart = new Heart(page.heart);
let state, choices, drawing, map;
let shownCase = "", shownWall = "", told = 0, timer = 0;

const busy = () => ["queued", "running"].includes(state?.job?.state);

function say(problem) {
  const sentence = problem instanceof Problem ? problem.message : `This page cannot go on (${problem.message}); reload it.`;
  if (!(problem instanceof Problem)) console.error(problem);
  page.message.querySelector("p").textContent = sentence;
  page.message.hidden = false;
}

// Whatever a button does; what goes wrong is said.
function on(element, event, act) {
  element.addEventListener(event, async (given) => {
    page.message.hidden = true;
    try {
      await act(given);
    } catch (problem) {
      say(problem);
    }
  });
}

async function refresh() {
  clearTimeout(timer);
  try {
    state = await getState();
    await show();
  } catch (problem) {
    if (problem.status === 401) location.reload();
    say(problem);
  }
  timer = setTimeout(refresh, busy() ? WHILE_AT_WORK : OTHERWISE);
}

async function order(kind, content) {
  await drawing?.save();
  await send(`/api/jobs/${kind}`, content);
  await refresh();
}

async function show() {
  showJob();
  page.start.hidden = Boolean(state.case) || state.items.length > 0 || busy();
  page.choose.hidden = Boolean(state.case) || state.items.length === 0 || busy();
  page.case.hidden = !state.case;
  page.saveSession.disabled = !state.case || busy();
  page.beginAnew.disabled = busy() || (!state.case && state.items.length === 0);
  page.logOut.hidden = !state.logout;
  page.days.textContent = state.days;
  if (!page.choose.hidden) showItems();
  if (state.case) await showCase();
  for (const button of document.querySelectorAll("#steps button:not(#undo):not(#redo)")) button.disabled = busy();
  for (const button of document.querySelectorAll("#make-report, .export")) button.disabled = busy() || !state.map;
  page.labelFiles.disabled = busy() || !state.labels;
  page.makeWall.disabled = busy() || !state.labels;
  drawing.locked = busy() && ["segment", "fill"].includes(state.job.kind);
}

function showJob() {
  const job = state.job;
  page.progress.hidden = !busy();
  if (busy()) {
    const far = job.progress;
    const bar = page.progress.querySelector("progress");
    const left = far?.remaining ? `, about ${Math.ceil(far.remaining)} s left of this part` : "";
    const waits = job.before ? `: ${job.before} before it` : "";
    page.progress.querySelector("p").textContent = far ? `${STEPS[job.kind]}: ${far.stage}${left}` : `${STEPS[job.kind]} waits${waits}`;
    if (far && far.steps > 1) bar.value = far.step / far.steps;
    else bar.removeAttribute("value");
  } else if (job?.error && job.number !== told) {
    say(new Problem(0, job.error));
  }
  if (job && !busy()) told = job.number;
}

function showItems() {
  const of = (role) => state.items.filter((one) => one.role === role);
  const found = of("slices");
  const proposed = found.find((one) => one.proposed) ?? found[0];
  page.slicesList.replaceChildren(...found.map((one, number) => {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "slices", value: number, checked: one === proposed });
    label.append(input, one.words + (one.proposed && found.length > 1 ? " (proposed)" : ""));
    return label;
  }));
  if (!found.length) page.slicesList.textContent = "No slices; upload them together with the other files.";
  page.open.disabled = !found.length;
  fillSelect(page.modelChoice, [["", "none: it is made of the labels"], ...of("model").map((one) => [one.file, one.words])], of("model")[0]?.file);
  fillSelect(page.labelsChoice, [["", "none"], ...of("labels").map((one) => [one.file, one.words])], of("labels")[0]?.file);
  fillSelect(page.orderChoice, [["", "as drawn here"], ...choices.orders.map((one) => [one, one])]);
  page.uploadNotes.replaceChildren(...state.notes.map(listed));
}

function fillSelect(select, options, chosen = "") {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value, value === chosen, value === chosen)));
}

function listed(text) {
  return Object.assign(document.createElement("li"), { textContent: text });
}

async function openChosen() {
  const number = document.querySelector("input[name=slices]:checked")?.value;
  const item = state.items.filter((one) => one.role === "slices")[number];
  await send("/api/open", {
    images: [item.file], series: item.series, slice_axis: null, slice_thickness: page.thickness.value ? Number(page.thickness.value) : null,
    mesh: page.modelChoice.value || null, mesh_frame: "auto", mesh_unit: "auto",
    labels: page.labelsChoice.value || null, order: page.orderChoice.value || null,
  });
  await refresh();
}

async function showCase() {
  const found = state.case;
  const key = JSON.stringify([found.title, found.shape, found.to_lps]);
  if (key !== shownCase) {
    shownCase = key;
    shownWall = "";
    await slices.load(`/api/view/slices.nii.gz?${Date.now()}`, found.window);
    drawing.begin();
    map.forget();
    showWindow(found);
    for (const side of ["top", "right", "bottom", "left"]) document.getElementById(`side-${side}`).textContent = found.letters[side];
    page.slice.max = slices.count;
  }
  const [count, rows, columns] = found.shape;
  const spacing = found.spacing.map((one) => one.toFixed(2));
  page.caseWords.textContent = `${found.title}: ${count} slices of ${columns} x ${rows} pixels, ${spacing[0]} x ${spacing[1]} mm, `
    + `${spacing[2]} mm apart, ${found.thickness.toFixed(1)} mm thick.`;
  page.caseNotes.replaceChildren(...found.notes.map(listed));
  page.caseNotesBox.hidden = !found.notes.length;
  await drawing.follow(state.labels);
  await showWall(found);
  await map.follow(state);
  showWords();
  page.numbers.hidden = !state.map;
  if (state.map) showNumbers(page, state.map.numbers);
  page.mapNotes.replaceChildren(...(state.map?.notes ?? []).map(listed));
  page.bullsEye.hidden = !state.map?.views.includes("bulls_eye.svg");
  if (!page.bullsEye.hidden) setSource(page.bullsEye, `/api/view/bulls_eye.svg?${state.map.drawn}`);
  page.downloads.replaceChildren(...state.downloads.map(downloadLink));
}

function setSource(image, source) {
  if (image.getAttribute("src") !== source) image.src = source;
}

function showWindow(found) {
  const [low, high] = found.range;
  for (const [input, value] of [[page.windowLow, found.window[0]], [page.windowHigh, found.window[1]]]) {
    Object.assign(input, { min: low, max: high, step: (high - low) / 200 || 1 });
    input.value = value;
  }
}

async function showWall(found) {
  const wall = found.has_model || state.wall ? `wall.mz3?${state.labels?.version ?? 0}` : state.map ? `map.mz3?${state.map.drawn}` : "";
  const outline = wall.replace(/\.mz3/, "_outline.mz3");
  page.noWall.hidden = Boolean(wall);
  const key = `${wall} ${page.outline.checked}`;
  if (key === shownWall) return;
  shownWall = key;
  await slices.setOutline(page.outline.checked && wall ? `/api/view/${outline}` : "");
  if (!state.map) await heart.showWall(wall && `/api/view/${wall}`, choices.colors.not_observed[0]);
}

function showWords() {
  const source = { file: "From the uploaded label map.", network: "By the network; look at them and correct them.", drawn: "Drawn here." };
  page.labelsWords.textContent = state.labels ? source[state.labels.source] : "Nothing is drawn.";
  page.wallWords.textContent = state.wall?.words ?? "";
  const made = state.map;
  const older = made && made.labels !== (state.labels?.version ?? 0) ? " The labels have changed since: make it again." : "";
  page.mapWords.textContent = made ? `Scar ${made.numbers.quantities.scar_burden_percent.value.toFixed(1)} % of the wall.${older}` : "";
  const points = state.insertions.map((one) => one.map((part) => part.toFixed(1)).join(", "));
  page.insertionsTold.textContent = points.length ? `Insertions (LPS mm): ${points.join("; ")}` : "Move the crosshair to an insertion of the right ventricle first.";
}

function downloadLink(name) {
  const link = Object.assign(document.createElement("a"), { href: `/api/download/${name}`, textContent: name });
  if (name === "report.html") Object.assign(link, { target: "_blank", rel: "noopener" });
  const item = document.createElement("li");
  item.append(link);
  return item;
}

async function setInsertion(number) {
  const [x, y, z] = slices.place;
  const point = state.case.to_lps.slice(0, 3).map(([a, b, c, d]) => a * x + b * y + c * z + d);
  const points = [...state.insertions];
  if (number > points.length) throw new Problem(0, "Set the anterior insertion first.");
  points[number] = point;
  await send("/api/insertions", points);
  await refresh();
}

function connect() {
  on(page.example, "click", async () => { await send("/api/example"); await refresh(); });
  for (const [input, path] of [[page.files, "/api/upload"], [page.folder, "/api/upload"], [page.sessionFile, "/api/session"]]) {
    on(input, "change", async () => {
      const files = [...input.files];
      if (!files.length) return;
      page.start.setAttribute("aria-busy", "true");
      try {
        await upload(path, files);
      } finally {
        input.value = "";
        page.start.removeAttribute("aria-busy");
      }
      await refresh();
    });
  }
  on(page.open, "click", openChosen);
  const anew = async () => {
    if (state.case && !confirm("Remove this case with all its results from the server?")) return;
    await ask("/api/session", { method: "DELETE" });
    location.reload();
  };
  on(page.otherUpload, "click", anew);
  on(page.beginAnew, "click", anew);
  on(page.saveSession, "click", async () => { await drawing.save(); location.assign("/api/session.zip"); });
  on(page.logOut, "click", async () => { await send("/api/logout"); location.reload(); });
  on(page.cancel, "click", async () => { await send("/api/cancel"); await refresh(); });
  on(page.message.querySelector("button"), "click", () => {});
  on(page.segment, "click", () => {
    if (state.labels && !confirm("The network's labels replace those that are there.")) return null;
    return order("segment");
  });
  on(page.fill, "click", () => order("fill", { label: Number(page.label.value) }));
  on(page.makeWall, "click", () => order("wall"));
  on(page.makeMap, "click", () => order("map", { evidence: page.evidence.value, preset: page.preset.value }));
  on(page.renumber, "click", () => order("numbers"));
  on(page.makeReport, "click", () => order("report"));
  on(page.labelFiles, "click", () => order("labels"));
  for (const button of document.querySelectorAll(".export")) on(button, "click", () => order("export", { kinds: [button.dataset.kind] }));
  on(page.insertion1, "click", () => setInsertion(0));
  on(page.insertion2, "click", () => setInsertion(1));
  on(page.slice, "input", () => { slices.slice = Number(page.slice.value) - 1; });
  for (const input of [page.windowLow, page.windowHigh]) {
    on(input, "input", () => slices.setWindow(Number(page.windowLow.value), Number(page.windowHigh.value)));
  }
  on(page.mpr, "change", () => {
    slices.setPlanes(page.mpr.checked);
    for (const letters of document.querySelectorAll(".side")) letters.hidden = page.mpr.checked; // those of one plane
  });
  on(page.outline, "change", () => showWall(state.case));
  slices.onSlice = (number) => {
    page.slice.value = number + 1;
    page.sliceTold.textContent = `${number + 1} of ${slices.count}`;
  };
}

async function begin() {
  state = await getState();
  choices = await (await ask("/api/choices")).json();
  await slices.attach();
  await heart.attach();
  drawing = new Drawing(page, slices, { get: getLabels, put: putLabels, say });
  map = new MapView(page, slices, heart, choices.colors);
  const evidence = Object.entries(choices.evidence).map(([key, [name]]) => [key, name]);
  fillSelect(page.evidence, [...evidence, ["network", "Probabilities of the network"]], "auto");
  fillSelect(page.preset, Object.entries(choices.preset).map(([key, [name]]) => [key, name]), "standard");
  fillSelect(page.label, Object.entries(choices.labels).map(([name, value]) => [String(value), name]), "2");
  connect();
  page.loading.hidden = true;
  await refresh();
}

begin().catch(say);
