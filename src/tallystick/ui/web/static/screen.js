// Draws frames (wire.panel) on a canvas, sharp at every size. Small screens are a grid of lit pixels, drawn by the same
// rules as ui/pixel_screen.py; large ones are grey paper, drawn as ui/paper_screen.py does.

const GRID = 24;
const ASCENT = 8, DESCENT = 2;
const PIXEL_WIDTH = 128;
const FACES = { regular: "regular", bold: "bold", large: "bold", small: "regular" };
const SIZES = { regular: 1, bold: 1, large: 1.4, small: 0.82 };
const LIT = "#e8f4ff", DARK = "#07090c", INK = "#16181b", PAPER = "#e6e5df";

function isInside(x, y, polygons) {
  let inside = false;
  for (const points of polygons) {
    for (let at = 0; at < points.length; at += 2) {
      const next = (at + 2) % points.length;
      const [ax, ay, bx, by] = [points[at], points[at + 1], points[next], points[next + 1]];
      if ((ay > y) !== (by > y) && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    }
  }
  return inside;
}

function bitmapLevels(entry) {
  const [, , w, h] = entry.box;
  const bytes = Uint8Array.from(atob(entry.data), (character) => character.charCodeAt(0));
  const stride = (w * entry.bpp + 7) >> 3, top = (1 << entry.bpp) - 1;
  const levels = new Uint8Array(w * h);
  for (let y = 0; y < h; y += 1) {
    for (let x = 0; x < w; x += 1) {
      const at = x * entry.bpp;
      const level = (bytes[y * stride + (at >> 3)] >> (8 - entry.bpp - (at % 8))) & top;
      levels[y * w + x] = Math.floor((level * 255) / top);
    }
  }
  return levels;
}

// A grid of pixels, 0 to 255 each.
class PixelGrid {
  constructor(frame, assets) {
    [this.width, this.height] = frame.size;
    this.pixels = new Uint8Array(this.width * this.height);
    this.assets = assets;
    for (const entry of frame.elements) {
      const [, , w, h] = entry.box;
      if (entry.kind === "text" || (w > 0 && h > 0 && w <= this.width && h <= this.height)) this[entry.kind](entry);
    }
  }

  put(x, y, level = 255) {
    if (x >= 0 && y >= 0 && x < this.width && y < this.height) this.pixels[y * this.width + x] = level;
  }

  fill(x, y, w, h) {
    const right = Math.min(x + w, this.width), bottom = Math.min(y + h, this.height);
    for (let row = y; row < bottom; row += 1) for (let column = x; column < right; column += 1) this.put(column, row);
  }

  glyphs(entry) {
    let glyphs = [], width = 0;
    for (const name of [FACES[entry.style], "narrow"]) {
      const face = this.assets.faces[name];
      const unknown = face["\uFFFD"] ?? face["?"];
      glyphs = [...entry.text].map((character) => face[character] ?? unknown);
      width = glyphs.reduce((sum, [advance]) => sum + advance, 0);
      if (width <= entry.box[2]) break;
    }
    return [glyphs, width];
  }

  text(entry) {
    const [left, top, w, h] = entry.box;
    const [glyphs, width] = this.glyphs(entry);
    let pen = entry.align === "left" ? left : left + Math.floor((w - width) / 2);
    const baseline = top + Math.floor((h - ASCENT - DESCENT) / 2) + ASCENT;
    if (entry.inverted) this.fill(left, top, w, h);
    for (const [advance, bearing, rise, columns, packed] of glyphs) {
      const digits = ((columns + 7) >> 3) * 2;
      for (let row = 0; digits && row * digits < packed.length; row += 1) {
        const bits = parseInt(packed.slice(row * digits, (row + 1) * digits), 16);
        for (let column = 0; column < columns; column += 1) {
          if ((bits >> (digits * 4 - 1 - column)) & 1) {
            this.put(pen + bearing + column, baseline - rise + row, entry.inverted ? 0 : 255);
          }
        }
      }
      pen += advance;
    }
  }

  icon(entry) {
    const [left, top, w, h] = entry.box;
    const shape = this.assets.icons[entry.name];
    if (!shape) {
      this.box({ ...entry, filled: 0 });
      this.text({ ...entry, text: entry.name.slice(0, 1).toUpperCase(), style: "bold", align: "centre" });
      return;
    }
    for (let row = 0; row < h; row += 1) {
      for (let column = 0; column < w; column += 1) {
        if (isInside(((column + 0.5) * GRID) / w, ((row + 0.5) * GRID) / h, shape)) this.put(left + column, top + row);
      }
    }
  }

  box(entry) {
    const [x, y, w, h] = entry.box;
    this.fill(x, y, w, 1);
    this.fill(x, y + h - 1, w, 1);
    this.fill(x, y, 1, h);
    this.fill(x + w - 1, y, 1, h);
    this.fill(x, y, Math.floor((w * entry.filled) / 100), h);
  }

  code(entry) {
    const [x, y, w, h] = entry.box;
    const rows = entry.modules;
    const scale = Math.max(Math.floor(Math.min(w, h) / (rows.length + 2)), 1);
    const side = scale * (rows.length + 2);
    const left = x + Math.floor((w - side) / 2), top = y + Math.floor((h - side) / 2);
    this.fill(left, top, side, side);
    for (let row = 0; row < rows.length * scale; row += 1) {
      for (let column = 0; column < rows.length * scale; column += 1) {
        if (rows[Math.floor(row / scale)][Math.floor(column / scale)] === "1") {
          this.put(left + scale + column, top + scale + row, 0);
        }
      }
    }
  }

  caption() {} // the picture has it already

  bitmap(entry) {
    const [left, top, w] = entry.box;
    bitmapLevels(entry).forEach((level, at) => this.put(left + (at % w), top + Math.floor(at / w), level));
  }

  paint(context, width, height) {
    context.fillStyle = DARK;
    context.fillRect(0, 0, width, height);
    const cell = width / this.width;
    const gap = cell >= 5 ? 1 : 0;
    context.fillStyle = LIT;
    for (let y = 0; y < this.height; y += 1) {
      for (let x = 0; x < this.width; x += 1) {
        const level = this.pixels[y * this.width + x];
        if (!level) continue;
        const left = Math.round(x * cell), top = Math.round(y * cell);
        context.globalAlpha = level / 255;
        context.fillRect(left, top, Math.round((x + 1) * cell) - left - gap, Math.round((y + 1) * cell) - top - gap);
      }
    }
    context.globalAlpha = 1;
  }
}

// Elements drawn as outlines on grey paper.
class Paper {
  constructor(context, frame, assets) {
    this.context = context;
    this.assets = assets;
    const [width, height] = frame.size;
    this.size = width >= 400 ? 22 : 16;
    context.fillStyle = PAPER;
    context.fillRect(0, 0, width, height);
    for (const entry of frame.elements) {
      const [, , w, h] = entry.box;
      if (entry.kind === "text" || (w > 0 && h > 0 && w <= width && h <= height)) this[entry.kind](entry);
    }
  }

  text(entry) {
    const { context } = this;
    const [x, y, w, h] = entry.box;
    if (entry.inverted) {
      context.fillStyle = INK;
      context.fillRect(x, y, w, h);
    }
    const weight = entry.style === "bold" || entry.style === "large" ? 600 : 400;
    const size = Math.round(this.size * SIZES[entry.style]);
    context.font = `${weight} ${size}px Panel, sans-serif`;
    const width = context.measureText(entry.text).width;
    if (width > w && w > 0) context.font = `${weight} ${Math.max(Math.floor((size * w) / width), 6)}px Panel, sans-serif`;
    context.fillStyle = entry.inverted ? PAPER : INK;
    context.textBaseline = "middle";
    context.textAlign = entry.align === "left" ? "left" : "center";
    context.fillText(entry.text, entry.align === "left" ? x : x + w / 2, y + h / 2);
  }

  icon(entry) {
    const { context } = this;
    const [left, top, w, h] = entry.box;
    const shape = this.assets.icons[entry.name];
    if (!shape) {
      this.box({ ...entry, filled: 0, radius: w / 4 });
      this.text({ ...entry, text: entry.name.slice(0, 1).toUpperCase(), style: "bold", align: "centre" });
      return;
    }
    context.beginPath();
    for (const points of shape) {
      for (let at = 0; at < points.length; at += 2) {
        const x = left + (points[at] * w) / GRID, y = top + (points[at + 1] * h) / GRID;
        if (at) context.lineTo(x, y); else context.moveTo(x, y);
      }
      context.closePath();
    }
    context.fillStyle = INK;
    context.fill("evenodd");
  }

  box(entry) {
    const { context } = this;
    const [x, y, w, h] = entry.box;
    const line = Math.min(w, h) > 4 ? 2 : 1;
    const radius = Math.max(Math.min(entry.radius, w / 2, h / 2), 0);
    context.beginPath();
    context.roundRect(x, y, w, h, radius);
    if (entry.filled) {
      context.save();
      context.clip();
      context.fillStyle = INK;
      context.fillRect(x, y, (w * entry.filled) / 100, h);
      context.restore();
    }
    context.beginPath();
    context.roundRect(x + line / 2, y + line / 2, Math.max(w - line, 0), Math.max(h - line, 0), radius);
    context.strokeStyle = INK;
    context.lineWidth = line;
    context.stroke();
  }

  code(entry) {
    const { context } = this;
    const [x, y, w, h] = entry.box;
    const rows = entry.modules;
    const scale = Math.max(Math.floor(Math.min(w, h) / Math.max(rows.length, 1)), 1);
    const left = x + Math.floor((w - scale * rows.length) / 2), top = y + Math.floor((h - scale * rows.length) / 2);
    context.beginPath(); // one path, so that no hairlines show between modules
    rows.forEach((row, down) => [...row].forEach((module, across) => {
      if (module === "1") context.rect(left + across * scale, top + down * scale, scale, scale);
    }));
    context.fillStyle = INK;
    context.fill();
  }

  caption() {} // the picture has it already

  bitmap(entry) {
    const { context } = this;
    const [left, top, w, h] = entry.box;
    const picture = new ImageData(w, h);
    bitmapLevels(entry).forEach((level, at) => {
      picture.data.set([level, level, level, 255], at * 4);
    });
    const canvas = new OffscreenCanvas(w, h);
    canvas.getContext("2d").putImageData(picture, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas, left, top);
  }
}

export async function loadAssets() {
  const [faces, icons] = await Promise.all(
    ["/static/pixel.json", "/static/icon.json"].map(async (path) => (await fetch(path)).json()),
  );
  await Promise.all([document.fonts.load("400 16px Panel"), document.fonts.load("600 16px Panel")]);
  return { faces, icons };
}

// A canvas that shows frames and is drawn again whenever its size changes.
export class Screen {
  constructor(canvas, assets) {
    this.canvas = canvas;
    this.assets = assets;
    this.frame = null;
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(frame) {
    this.frame = frame;
    this.draw();
  }

  // the point of the device's screen below a pointer
  point(event) {
    const area = this.canvas.getBoundingClientRect();
    const [width, height] = this.frame.size;
    const clamp = (value, limit) => Math.min(Math.max(Math.floor(value), 0), limit - 1);
    return {
      x: clamp(((event.clientX - area.left) * width) / area.width, width),
      y: clamp(((event.clientY - area.top) * height) / area.height, height),
    };
  }

  draw() {
    if (!this.frame) return;
    const { canvas, frame } = this;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(Math.round(canvas.clientWidth * ratio), 1);
    const height = Math.max(Math.round(canvas.clientHeight * ratio), 1);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (!frame.lit) {
      context.fillStyle = DARK;
      context.fillRect(0, 0, width, height);
    } else if (frame.size[0] <= PIXEL_WIDTH) {
      new PixelGrid(frame, this.assets).paint(context, width, height);
    } else {
      context.setTransform(width / frame.size[0], 0, 0, height / frame.size[1], 0, 0);
      new Paper(context, frame, this.assets);
    }
  }
}
