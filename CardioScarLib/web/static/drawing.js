// Brush, eraser, threshold, undo and redo; what is drawn is kept on the server after every stroke.

const MOST_UNDOS = 30;
const WALL = [2, 3, 4], SCAR = 3, MYOCARDIUM = 2;

export class Drawing {
  // page: elements by name. slices: where it is drawn. server: get and put of labels, and say for problems.
  constructor(page, slices, server) {
    Object.assign(this, { page, slices, server });
    this.tool = "look";
    this.begin();
    for (const tool of ["look", "brush", "eraser"]) {
      document.getElementById(`tool-${tool}`).addEventListener("click", () => this.choose(tool));
    }
    for (const input of [page.label, page.pen, page.filled]) input.addEventListener("input", () => this.choose(this.tool));
    page.undo.addEventListener("click", () => this.step(this.past, this.future));
    page.redo.addEventListener("click", () => this.step(this.future, this.past));
    page.applyThreshold.addEventListener("click", () => this.applyThreshold());
    document.addEventListener("keydown", (event) => this.onKey(event));
    slices.onDrawn = () => this.changed();
  }

  // For another case.
  begin() {
    this.version = 0;
    this.past = [];
    this.future = [];
    this.saving = null;
    this.kept = this.sent = null; // what is drawn, and what of it the server has
    this.showUndo();
  }

  set locked(locked) {
    if (locked && this.tool !== "look") this.choose("look");
    for (const tool of ["brush", "eraser"]) document.getElementById(`tool-${tool}`).disabled = locked;
  }

  choose(tool) {
    this.tool = tool;
    for (const name of ["look", "brush", "eraser"]) {
      document.getElementById(`tool-${name}`).setAttribute("aria-pressed", String(name === tool));
    }
    this.page.penTold.textContent = this.page.pen.value;
    this.slices.setTool(tool, Number(this.page.label.value), Number(this.page.pen.value), this.page.filled.checked);
  }

  onKey(event) {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches("input, select, textarea")) return;
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) this.step(this.past, this.future);
    else if (key === "y" || (key === "z" && event.shiftKey)) this.step(this.future, this.past);
    else return;
    event.preventDefault();
  }

  // Take the labels of the server, where they are newer than those here.
  async follow(labels) {
    if (this.saving || this.kept !== this.sent) return;
    const version = labels?.version ?? 0;
    if (version === this.version && this.kept) return;
    if (labels) {
      if (this.kept && version !== this.version) this.remember();
      this.slices.drawn = await this.server.get();
    }
    this.version = version;
    this.kept = this.sent = Uint8Array.from(this.slices.drawn);
    this.showUndo();
  }

  remember() {
    this.past.push(this.kept);
    if (this.past.length > MOST_UNDOS) this.past.shift();
    this.future = [];
  }

  changed() {
    if (!this.kept) return;
    this.remember();
    this.kept = Uint8Array.from(this.slices.drawn);
    this.showUndo();
    this.save().catch(this.server.say);
  }

  step(from, to) {
    if (!from.length) return;
    to.push(this.kept);
    this.kept = from.pop();
    this.slices.drawn = this.kept;
    this.showUndo();
    this.save().catch(this.server.say);
  }

  showUndo() {
    this.page.undo.disabled = !this.past.length;
    this.page.redo.disabled = !this.future.length;
  }

  // Myocardium and scar as the intensity tells them apart.
  applyThreshold() {
    const least = Number(this.page.scarFrom.value);
    if (!this.page.scarFrom.value || !Number.isFinite(least)) return;
    const { image, drawn } = this.slices;
    const made = Uint8Array.from(drawn, (label, place) => (WALL.includes(label) ? (image[place] >= least ? SCAR : MYOCARDIUM) : label));
    this.slices.drawn = made;
    this.changed();
  }

  // Keep what is drawn, if it is not yet. One request at a time; what is drawn meanwhile follows.
  async save() {
    if (this.saving) {
      await this.saving.catch(() => {});
      return this.save();
    }
    if (this.kept === this.sent) return undefined;
    const voxels = this.kept;
    this.saving = this.server.put(voxels, this.version);
    try {
      this.version = await this.saving;
      this.sent = voxels;
    } catch (problem) {
      if (problem.status === 409) this.kept = this.sent = null; // the server's are newer
      throw problem;
    } finally {
      this.saving = null;
    }
    return undefined;
  }
}
