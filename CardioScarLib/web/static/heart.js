// The LV wall in 3D, colored by the map. The viewer is niivue's.

import { Niivue, NVMesh } from "./vendor/niivue/niivue.js";
import { quiet } from "./slices.js";

const KEYS = { ArrowLeft: [10, 0], ArrowRight: [-10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10] };

export class Heart {
  constructor(canvas) {
    this.canvas = canvas;
    this.viewer = new Niivue({ ...quiet, backColor: [0.09, 0.1, 0.13, 1], isOrientCube: false, show3Dcrosshair: false });
    this.azimuth = 120;
  }

  async attach() {
    await this.viewer.attachToCanvas(this.canvas);
    this.viewer.setSliceType(this.viewer.sliceTypeRender);
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  onKey(event) {
    const turn = KEYS[event.key];
    const zoom = { "+": 1.15, "-": 1 / 1.15 }[event.key];
    const { scene } = this.viewer;
    if (turn) this.viewer.setRenderAzimuthElevation(scene.renderAzimuth + turn[0], scene.renderElevation + turn[1]);
    if (zoom) this.viewer.setScale(scene.volScaleMultiplier * zoom);
    if (turn || zoom) event.preventDefault();
  }

  // The wall without a map.
  async showWall(url, gray) {
    this.clear();
    if (url) await this.add(url, gray, []);
  }

  // layers: [{url, name, colors, limits, shown}]
  // facing: from the wall to the eye, in the frame of the view.
  async showMap(url, gray, layers, facing) {
    this.clear();
    this.azimuth = 180 + (Math.atan2(facing[0], facing[1]) * 180) / Math.PI;
    for (const one of layers) this.viewer.addColormap(one.name, one.colors);
    const described = layers.map((one) => ({
      url: one.url, name: `${one.name}.mz3`, colormap: one.name, cal_min: one.limits[0], cal_max: one.limits[1], opacity: one.shown ? 1 : 0,
      isTransparentBelowCalMin: true,
    }));
    await this.add(url, gray, described);
  }

  async add(url, gray, layers) {
    const mesh = await NVMesh.loadFromUrl({ url, name: "heart.mz3", gl: this.viewer.gl, rgba255: [...gray, 255], layers });
    this.viewer.addMesh(mesh);
    this.viewer.setMeshShader(mesh.id, "Matte");
    this.viewer.setRenderAzimuthElevation(this.azimuth, 12);
  }

  // Show one of the layers, which have these names, with other limits and colors.
  setLayers(names, shown, limits, colors) {
    const mesh = this.viewer.meshes[0];
    if (!mesh) return;
    names.forEach((name, number) => {
      this.viewer.addColormap(name, colors(name));
      const layer = mesh.layers[number];
      [layer.cal_min, layer.cal_max] = limits(name);
      layer.opacity = name === shown ? 1 : 0;
    });
    mesh.updateMesh(this.viewer.gl);
    this.viewer.drawScene();
  }

  clear() {
    for (const mesh of [...this.viewer.meshes]) this.viewer.removeMesh(mesh);
    this.viewer.drawScene();
  }
}
