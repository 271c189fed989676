// The shapes of the models: a drawing in its own units, where the screen and the buttons sit in it, and how large it is.
// `screen` and `keys` are boxes [x, y, w, h] in the units of the drawing, `unit` is pixels of the page for one of them.

const METAL = `
  <linearGradient id="metal" x1="0" y1="0" x2="0" y2="1">
    <stop offset="0" stop-color="#f4f5f6"/><stop offset=".18" stop-color="#c9cdd2"/>
    <stop offset=".5" stop-color="#e6e8ea"/><stop offset=".82" stop-color="#b3b8bf"/><stop offset="1" stop-color="#8f959d"/>
  </linearGradient>`;
const SHELL = `
  <linearGradient id="shell" x1="0" y1="0" x2="0" y2="1">
    <stop offset="0" stop-color="#4a4f58"/><stop offset=".12" stop-color="#33373f"/>
    <stop offset=".85" stop-color="#24272d"/><stop offset="1" stop-color="#16181c"/>
  </linearGradient>`;
const SHADE = `
  <filter id="shade" x="-20%" y="-20%" width="140%" height="160%">
    <feDropShadow dx="0" dy="16" stdDeviation="14" flood-color="#000" flood-opacity=".38"/>
  </filter>`;

function svg(width, height, content) {
  return `<svg viewBox="0 0 ${width} ${height}" xmlns="http://www.w3.org/2000/svg">
    <defs>${METAL}${SHELL}${SHADE}</defs>${content}</svg>`;
}

// A stick with a cover that swivels around its right end; two buttons on its upper edge, or on its face.
function stick({ screenHeight, edgeButtons }) {
  const width = 900, top = 74, tall = screenHeight * 3 + 62, height = top + tall + 96;
  const middle = top + tall / 2, radius = tall / 2, pivot = 880 - radius;
  const screen = [(edgeButtons ? 150 : 196) - (screenHeight < 64 ? 10 : 0), middle - screenHeight * 1.5, 384, screenHeight * 3];
  const [left, upper, w, h] = screen;
  const cover = `
    <g filter="url(#shade)" transform="rotate(-9 ${pivot} ${middle})">
      <rect x="30" y="${top - 4}" width="${850 + 4}" height="${tall + 8}" rx="${radius + 4}" fill="url(#metal)"/>
      <rect x="31.5" y="${top - 2.5}" width="${850 + 1}" height="${tall + 5}" rx="${radius + 2}" fill="none"
        stroke="#fff" stroke-opacity=".6" stroke-width="2"/>
    </g>`;
  const cap = (name, x) => `
    <g class="cap" data-cap="${name}"><rect x="${x}" y="${top - 17}" width="96" height="40" rx="10" fill="url(#metal)"
      stroke="#70767e"/><rect x="${x + 10}" y="${top - 13}" width="76" height="3" rx="1.5" fill="#fff" fill-opacity=".7"/></g>`;
  const knob = (name, x, outer) => `
    <g class="cap face" data-cap="${name}"><circle cx="${x}" cy="${middle}" r="${outer}" fill="url(#metal)" stroke="#6b7078"/>
      <circle cx="${x}" cy="${middle}" r="${outer * 0.76}" fill="url(#shell)" stroke="#62676f" stroke-width="2"/></g>`;
  const disc = radius * 0.66;
  const drawing = svg(width, height, `${cover}
    ${edgeButtons ? cap("left", left + 8) + cap("right", left + w - 104) : ""}
    <g filter="url(#shade)">
      <rect x="0" y="${middle - 34}" width="60" height="68" rx="7" fill="url(#metal)"/>
      <path d="M34 ${middle - 16}v32" stroke="#868c94" stroke-width="3" stroke-linecap="round"/>
      <path d="M72 ${top} H${pivot} a${radius} ${radius} 0 0 1 0 ${tall} H72 a32 32 0 0 1 -32 -32 V${top + 32} a32 32 0 0 1 32 -32 Z"
        fill="url(#shell)"/>
      <path d="M72 ${top + 1.5} H${pivot} a${radius - 1.5} ${radius - 1.5} 0 0 1 ${radius - 2} ${radius}" fill="none"
        stroke="#8a9099" stroke-opacity=".5" stroke-width="2"/>
    </g>
    <rect x="${left - 16}" y="${upper - 14}" width="${w + 32}" height="${h + 28}" rx="13" fill="#050608"/>
    <rect x="${left - 15}" y="${upper - 13}" width="${w + 30}" height="${h + 26}" rx="12" fill="none" stroke="#454a53"/>
    ${edgeButtons ? `
    <circle cx="${pivot}" cy="${middle}" r="${disc}" fill="url(#metal)" stroke="#6b7078"/>
    <circle cx="${pivot}" cy="${middle}" r="${disc * 0.8}" fill="none" stroke="#9aa0a8" stroke-width="2"/>`
    : knob("left", 116, 50) + knob("right", pivot, disc)}`);
  const around = (x, side) => [x - side, middle - side, 2 * side, 2 * side];
  const keys = edgeButtons
    ? { left: [left, top - 34, 112, 62], right: [left + w - 112, top - 34, 112, 62] }
    : { left: around(116, 54), right: around(pivot, disc) };
  return { width, height, screen, keys, family: "buttons", drawing, unit: 0.95 };
}

// A slate: a screen with a rim; with a `spine` the paper goes around the left edge.
function slate({ width, height, rim, radius, spine, unit }) {
  const w = width + 2 * rim, h = height + 2 * rim;
  const edge = spine
    ? `<clipPath id="outline"><rect width="${w}" height="${h}" rx="${radius}"/></clipPath>
       <linearGradient id="spine"><stop offset="0" stop-color="#8f8e88"/><stop offset=".35" stop-color="#c3c2bc"/>
         <stop offset="1" stop-color="#e6e5df"/></linearGradient>
       <rect width="${rim + 8}" height="${h}" fill="url(#spine)" clip-path="url(#outline)"/>`
    : "";
  const drawing = svg(w, h, `
    <g filter="url(#shade)"><rect width="${w}" height="${h}" rx="${radius}" fill="url(#shell)"/></g>
    <rect x="1" y="1" width="${w - 2}" height="${h - 2}" rx="${radius - 1}" fill="none" stroke="#7d838c" stroke-opacity=".7" stroke-width="2"/>
    ${edge}
    <rect x="${rim - 5}" y="${rim - 5}" width="${width + 10}" height="${height + 10}" rx="9" fill="#e6e5df"/>
    <rect x="${w - 1}" y="${h * 0.2}" width="5" height="${h * 0.1}" rx="2" fill="#565b63"/>`);
  return { width: w, height: h, screen: [rim, rim, width, height], keys: {}, family: "touch", drawing, unit };
}

const SHAPES = {
  nanos: () => stick({ screenHeight: 32, edgeButtons: true }),
  nanox: () => stick({ screenHeight: 64, edgeButtons: false }),
  nanosp: () => stick({ screenHeight: 64, edgeButtons: true }),
  stax: () => slate({ width: 400, height: 672, rim: 18, radius: 26, spine: true, unit: 0.9 }),
  flex: () => slate({ width: 480, height: 600, rim: 28, radius: 44, spine: false, unit: 0.9 }),
  apex_p: () => slate({ width: 300, height: 400, rim: 26, radius: 36, spine: false, unit: 1.15 }),
};
const BY_SIZE = { "128x32": "nanos", "128x64": "nanosp", "400x672": "stax", "480x600": "flex", "300x400": "apex_p" };

// The shape of a model, or of a screen's size if nobody has named the model.
export function shapeOf(model, [width, height]) {
  const name = SHAPES[model] ? model : BY_SIZE[`${width}x${height}`];
  const shape = name
    ? SHAPES[name]()
    : slate({ width, height, rim: 20, radius: 20, spine: false, unit: 1 });
  const [, , w, h] = shape.screen;
  const isFitting = Math.abs(w / h - width / height) < 0.01;
  return isFitting ? shape : slate({ width, height, rim: 20, radius: 20, spine: false, unit: 1 });
}

// Put a shape on the page at `scale`, with the screen and the buttons in their places.
export function place(shape, { device, body, canvas, keys, scale }) {
  const size = shape.unit * scale;
  device.style.width = `${Math.round(shape.width * size)}px`;
  device.style.height = `${Math.round(shape.height * size)}px`;
  device.dataset.family = shape.family;
  const put = (element, [x, y, w, h]) => {
    element.style.left = `${x * size}px`;
    element.style.top = `${y * size}px`;
    element.style.width = `${w * size}px`;
    element.style.height = `${h * size}px`;
  };
  if (body.dataset.drawing !== shape.drawing) {
    body.dataset.drawing = shape.drawing;
    body.innerHTML = shape.drawing;
  }
  put(canvas, shape.screen);
  for (const [name, key] of Object.entries(keys)) if (shape.keys[name]) put(key, shape.keys[name]);
}
