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

// A stick with a cover that swivels around its right end, and two buttons on its upper edge.
function stick({ screenHeight, edgeButtons }) {
  const width = 760, height = 330;
  const screen = [150, 165 - screenHeight * 1.5, 384, screenHeight * 3];
  const cover = `
    <g filter="url(#shade)" transform="rotate(-27 620 165)">
      <rect x="70" y="92" width="628" height="146" rx="73" fill="url(#metal)"/>
      <rect x="71.5" y="93.5" width="625" height="143" rx="71.5" fill="none" stroke="#fff" stroke-opacity=".55" stroke-width="2"/>
      <ellipse cx="145" cy="165" rx="24" ry="24" fill="#7d838c" fill-opacity=".35"/>
    </g>`;
  const caps = edgeButtons ? `
    <g class="cap" data-cap="left"><rect x="190" y="70" width="92" height="34" rx="9" fill="url(#metal)" stroke="#6e747c"/></g>
    <g class="cap" data-cap="right"><rect x="402" y="70" width="92" height="34" rx="9" fill="url(#metal)" stroke="#6e747c"/></g>` : "";
  const faces = edgeButtons ? `
    <circle cx="620" cy="165" r="52" fill="url(#metal)" stroke="#6b7078"/>
    <circle cx="620" cy="165" r="41" fill="none" stroke="#9aa0a8" stroke-width="2"/>` : `
    <g class="cap face" data-cap="left"><circle cx="86" cy="165" r="37" fill="url(#shell)" stroke="#62676f" stroke-width="2"/>
      <circle cx="86" cy="165" r="30" fill="none" stroke="#6f757d" stroke-opacity=".5"/></g>
    <g class="cap face" data-cap="right"><circle cx="620" cy="165" r="56" fill="url(#metal)" stroke="#6b7078"/>
      <circle cx="620" cy="165" r="39" fill="url(#shell)" stroke="#62676f" stroke-width="2"/></g>`;
  const drawing = svg(width, height, `${edgeButtons ? caps : ""}
    <g filter="url(#shade)">
      <rect x="8" y="139" width="60" height="52" rx="7" fill="url(#metal)"/>
      <path d="M112 88 H620 a77 77 0 0 1 0 154 H112 a77 77 0 0 1 -77 -77 a77 77 0 0 1 77 -77 Z" fill="url(#shell)"/>
      <path d="M112 89.5 H620 a75.5 75.5 0 0 1 75 67" fill="none" stroke="#8a9099" stroke-opacity=".55" stroke-width="2"/>
    </g>
    <rect x="${screen[0] - 14}" y="${screen[1] - 12}" width="${screen[2] + 28}" height="${screen[3] + 24}" rx="12" fill="#050608"/>
    <rect x="${screen[0] - 13}" y="${screen[1] - 11}" width="${screen[2] + 26}" height="${screen[3] + 22}" rx="11" fill="none" stroke="#3d424a" stroke-opacity=".8"/>
    ${faces}`);
  const keys = edgeButtons
    ? { left: [178, 46, 116, 52], right: [390, 46, 116, 52] }
    : { left: [46, 125, 80, 80], right: [566, 111, 108, 108] };
  return { width, height, screen, keys, family: "buttons", drawing: drawing.replace("</defs>", `</defs>${cover}`), unit: 1 };
}

// A slate: a screen with a rim; `spine` rounds the left edge as the paper goes around it.
function slate({ width, height, rim, radius, spine, unit }) {
  const w = width + 2 * rim, h = height + 2 * rim;
  const edge = spine
    ? `<rect x="-9" y="0" width="40" height="${h}" rx="19" fill="#d5d4ce"/><rect x="-9" y="0" width="14" height="${h}" rx="7" fill="#a9a8a2"/>`
    : "";
  const drawing = svg(w, h, `
    <g filter="url(#shade)"><rect width="${w}" height="${h}" rx="${radius}" fill="url(#shell)"/>${edge}</g>
    <rect x="1" y="1" width="${w - 2}" height="${h - 2}" rx="${radius - 1}" fill="none" stroke="#7d838c" stroke-opacity=".7" stroke-width="2"/>
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
