// The slices, with what is drawn on them, the wall's outline and the map. The viewer is niivue's.

import { Niivue, NVMesh } from "./vendor/niivue/niivue.js";

const LABEL_COLORS = [[0, 0, 0], [80, 150, 255], [70, 200, 110], [255, 70, 60], [190, 80, 230], [250, 210, 60]];
const OUTLINE = [255, 210, 64, 255];

export const quiet = { dragAndDropEnabled: false, logLevel: "error", loadingText: "", clipPlaneHotKey: "", cycleClipPlaneHotKey: "", viewModeHotKey: "" };

export class Slices {
  constructor(canvas) {
    this.canvas = canvas;
    this.onSlice = () => {};
    this.onDrawn = () => {};
    this.window = [0, 1];
    this.viewer = new Niivue({
      ...quiet, isOrientationTextVisible: false, crosshairColor: [0.35, 0.75, 1, 0.7], crosshairWidth: 0.5, crosshairWidthUnit: "mm", crosshairGap: 4, isNearestInterpolation: true,
      backColor: [0, 0, 0, 1], drawingEnabled: false, meshThicknessOn2D: 0.6, isForceMouseClickToVoxelCenters: true, maxDrawUndoBitmaps: 2,
    });
    this.viewer.onLocationChange = () => this.onSlice(this.slice);
    this.viewer.onDrawingChanged = (action) => {
      if (action !== "draw") return;
      this.finishStroke();
      this.onDrawn();
    };
  }

  async attach() {
    await this.viewer.attachToCanvas(this.canvas);
    this.viewer.setSliceType(this.viewer.sliceTypeAxial);
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  async load(url, window) {
    this.window = window;
    await this.viewer.loadVolumes([{ url, name: "slices.nii.gz", colormap: "gray", cal_min: window[0], cal_max: window[1] }]);
    this.viewer.drawOpacity = 0.45;
    this.viewer.createEmptyDrawing();
    this.viewer.setDrawColormap(labelColors());
    const [, columns, rows, slices] = this.viewer.back.dims;
    this.viewer.scene.crosshairPos = this.viewer.vox2frac([columns >> 1, rows >> 1, slices >> 1]);
    this.viewer.drawScene();
    this.onSlice(this.slice);
  }

  get count() { return this.viewer.back?.dims[3] ?? 1; }
  get slice() { return this.viewer.back ? Math.round(this.viewer.frac2vox(this.viewer.scene.crosshairPos)[2]) : 0; }
  set slice(number) { this.viewer.moveCrosshairInVox(0, 0, number - this.slice); }

  // Where the crosshair is, mm in the frame of the view.
  get place() { return Array.from(this.viewer.frac2mm(this.viewer.scene.crosshairPos)).slice(0, 3); }

  setWindow(low, high) {
    const image = this.viewer.volumes[0];
    if (!image) return;
    [image.cal_min, image.cal_max] = [low, Math.max(high, low + 1e-6)];
    this.viewer.updateGLVolume();
  }

  setPlanes(three) {
    this.viewer.setSliceType(three ? this.viewer.sliceTypeMultiplanar : this.viewer.sliceTypeAxial);
  }

  onKey(event) {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const zoom = { "+": 1.2, "-": 1 / 1.2 }[event.key];
    if (step) this.slice = Math.min(this.count - 1, Math.max(0, this.slice + step));
    if (zoom) {
      const [x, y, z, old] = this.viewer.scene.pan2Dxyzmm;
      this.viewer.setPan2Dxyzmm([x, y, z, Math.min(8, Math.max(0.5, old * zoom))]);
    }
    if (step || zoom) event.preventDefault();
  }

  // What is drawn: one byte per voxel, columns first.

  get drawn() { return this.viewer.drawBitmap; }
  set drawn(voxels) {
    this.viewer.drawBitmap.set(voxels);
    this.viewer.refreshDrawing(true);
  }

  // The voxels of the slices in the same order.
  get image() { return this.viewer.volumes[0].img; }

  setTool(tool, label, pixels, filled) {
    this.viewer.setDrawingEnabled(tool !== "look");
    this.viewer.opts.penSize = pixels;
    this.viewer.setPenValue(tool === "eraser" ? 0 : label, filled && tool === "brush");
  }

  // The viewer's lines lack the place where they end.
  finishStroke() {
    const { drawPenLocation: end, opts } = this.viewer;
    if (opts.isFilledPen || Number.isNaN(end[0])) return;
    this.viewer.drawPt(...end, opts.penValue);
    this.viewer.refreshDrawing(true);
  }

  async setOutline(url) {
    for (const mesh of [...this.viewer.meshes]) this.viewer.removeMesh(mesh);
    if (url) {
      const mesh = await NVMesh.loadFromUrl({ url, name: "outline.mz3", gl: this.viewer.gl, rgba255: OUTLINE });
      this.viewer.addMesh(mesh);
      this.viewer.setMeshShader(mesh.id, "Flat");
    }
    this.viewer.drawScene();
  }

  // The map over the slices; values below the threshold, and all outside the wall, are left out.
  async setMap(url, name, colors, limits, opacity) {
    while (this.viewer.volumes.length > 1) this.viewer.removeVolumeByIndex(1);
    if (!url) return;
    this.viewer.addColormap(name, colors);
    await this.viewer.addVolumeFromUrl({ url, name: `${name}.nii.gz`, colormap: name, opacity, cal_min: limits[0], cal_max: limits[1] });
    const overlay = this.viewer.volumes.at(-1);
    overlay.colormapType = 1; // nothing below the least value
    this.viewer.updateGLVolume();
  }

  setMapLimits(limits, name, colors) {
    const overlay = this.viewer.volumes[1];
    if (!overlay) return;
    this.viewer.addColormap(name, colors);
    [overlay.cal_min, overlay.cal_max] = limits;
    this.viewer.updateGLVolume();
  }

  setMapOpacity(opacity) {
    if (this.viewer.volumes.length > 1) this.viewer.setOpacity(1, opacity);
  }
}

function labelColors() {
  const [R, G, B] = [0, 1, 2].map((part) => LABEL_COLORS.map((color) => color[part]));
  return { R, G, B, A: LABEL_COLORS.map((_, value) => (value ? 255 : 0)), I: LABEL_COLORS.map((_, value) => value), labels: LABEL_COLORS.map(() => "") };
}
