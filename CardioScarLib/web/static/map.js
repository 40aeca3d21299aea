// The map on the wall and on the slices, with its legend.

const NAMES = ["scar_probability", "scar_uncertainty"];
const KINDS = {
  scar_probability: { colors: "probability", limits: [0, 1], title: "Scar probability (local scar fraction)" },
  scar_uncertainty: { colors: "uncertainty", limits: [0, 0.5], title: "Uncertainty (standard deviation)" },
};

export class MapView {
  constructor(page, slices, heart, colors) {
    Object.assign(this, { page, slices, heart, colors });
    this.forget();
    page.shown.addEventListener("input", () => this.show());
    page.threshold.addEventListener("input", () => this.limit());
    page.opacity.addEventListener("input", () => this.slices.setMapOpacity(Number(page.opacity.value)));
    const [red, green, blue] = colors.not_observed[0];
    page.unseen.style.backgroundColor = `rgb(${red}, ${green}, ${blue})`;
  }

  forget() {
    this.made = null;
    this.page.mapBar.hidden = this.page.legend.hidden = true;
  }

  async follow(state) {
    if (!state.map || state.map.drawn === this.made) return;
    this.made = state.map.drawn;
    this.views = new Set(state.map.views);
    this.names = NAMES.filter((name) => this.views.has(`${name}.mz3`));
    this.page.mapBar.hidden = this.page.legend.hidden = !this.names.length;
    this.page.shown.replaceChildren(...this.names.map((name) => new Option(name === NAMES[0] ? "Scar probability" : "Uncertainty", name)));
    const layers = this.names.map((name) => ({
      url: this.url(`${name}.mz3`), name, colors: this.table(name), limits: this.limits(name), shown: name === this.shown,
    }));
    await this.heart.showMap(this.url("map.mz3"), this.colors.not_observed[0], layers, state.map.facing);
    await this.show();
  }

  get shown() { return this.page.shown.value || NAMES[0]; }
  url(name) { return `/api/view/${name}?${this.made}`; }

  limits(name) {
    const [low, high] = KINDS[name].limits;
    return [low + Number(this.page.threshold.value) * (high - low), high];
  }

  // All colors keep their values: above a threshold the same table is cut, not stretched.
  table(name) {
    const all = this.colors[KINDS[name].colors];
    const first = Math.round(Number(this.page.threshold.value) * (all.length - 1));
    const part = all.slice(first);
    const places = Array.from({ length: 16 }, (_, number) => Math.round((number * (part.length - 1)) / 15));
    const of = (color) => places.map((place) => part[place][color]);
    return { R: of(0), G: of(1), B: of(2), A: places.map(() => 255), I: places.map((_, number) => number * 17) };
  }

  async show() {
    const name = this.shown;
    this.showLegend(name);
    this.heart.setLayers(this.names, name, (one) => this.limits(one), (one) => this.table(one));
    const file = `slices_${name}.nii.gz`;
    const url = this.views.has(file) ? this.url(file) : "";
    await this.slices.setMap(url, name, this.table(name), this.limits(name), Number(this.page.opacity.value));
  }

  limit() {
    const name = this.shown;
    this.showLegend(name);
    this.heart.setLayers(this.names, name, (one) => this.limits(one), (one) => this.table(one));
    this.slices.setMapLimits(this.limits(name), name, this.table(name));
  }

  showLegend(name) {
    const { title, limits, colors } = KINDS[name];
    const [low, high] = this.limits(name);
    this.page.legendTitle.textContent = title;
    this.page.legendLow.textContent = limits[0];
    this.page.legendHigh.textContent = limits[1];
    const told = low > limits[0] ? `below ${low.toFixed(2)}, or beyond the slices` : "beyond the slices: not observed";
    this.page.legendRest.textContent = told;
    this.page.thresholdTold.textContent = low.toFixed(2);
    const brush = this.page.legendColors.getContext("2d");
    this.colors[colors].forEach(([red, green, blue], place, all) => {
      const seen = place / (all.length - 1) >= (low - limits[0]) / (high - limits[0]) - 1e-9;
      brush.fillStyle = seen ? `rgb(${red}, ${green}, ${blue})` : `rgb(${this.colors.not_observed[0].join(", ")})`;
      brush.fillRect(place, 0, 1, 12);
    });
  }
}
