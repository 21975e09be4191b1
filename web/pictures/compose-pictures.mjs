/**
 * The shop's pictures, composed from the MIT-licensed Fluent Emoji set at build time, so that the
 * repository carries none. A picture depends on nothing but its name: the same name gives the
 * same bytes on every machine.
 */

/** Soft ground, its second tone, and the confetti's colour. */
const tints = [
  ['#ffe4d6', '#ffd0b8', '#f0764a'],
  ['#fff0c4', '#ffe299', '#e0a400'],
  ['#d8f4e5', '#b8e9d0', '#25a06f'],
  ['#dbedff', '#bcdcff', '#347fd6'],
  ['#e9e2ff', '#d4c7ff', '#7d59e6'],
  ['#ffdfe9', '#ffc4d7', '#e04b80'],
  ['#e6f1d5', '#d1e5b5', '#6f9a2f'],
  ['#d5f2f3', '#b0e5e8', '#17959d'],
];

/** FNV-1a with a final mix, 32 bits: small, stable, spreads short names well. */
function hashOf(text) {
  let hash = 0x811c9dc5;
  for (const char of text) {
    hash = Math.imul(hash ^ char.codePointAt(0), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** An endless row of numbers in [0, 1) that a name determines (mulberry32). */
function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const round = (value) => Math.round(value * 10) / 10;

/** Where confetti may lie: a ring around the middle, so that it never hides behind the toy. */
function confetti(random, colour) {
  const pieces = [];
  const first = random() * 360;
  for (let index = 0; index < 6; index += 1) {
    const angle = ((first + index * 60 + random() * 34) * Math.PI) / 180;
    const distance = 148 + random() * 34;
    const x = round(200 + Math.cos(angle) * distance);
    const y = round(200 + Math.sin(angle) * distance);
    const turn = Math.floor(random() * 180);
    const shape = [
      `<circle cx="${x}" cy="${y}" r="6"/>`,
      `<rect x="${x - 10}" y="${y - 3.5}" width="20" height="7" rx="3.5" ` +
        `transform="rotate(${turn} ${x} ${y})"/>`,
      `<circle cx="${x}" cy="${y}" r="7" fill="none" stroke="${colour}" stroke-width="4"/>`,
    ][index % 3];
    pieces.push(shape);
  }
  return `<g fill="${colour}" opacity=".42">${pieces.join('')}</g>`;
}

/** Ids inside an icon get the icon's name in front, so that several icons fit in one picture. */
function withOwnIds(name, body) {
  return body
    .replaceAll(/\bid="([^"]+)"/g, `id="${name}-$1"`)
    .replaceAll(/url\(#([^)]+)\)/g, `url(#${name}-$1)`)
    .replaceAll(/href="#([^"]+)"/g, `href="#${name}-$1"`);
}

const svg = (width, height, content) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
  `width="${width}" height="${height}">${content}</svg>\n`;

/** A product's picture: the toy in the middle of a soft tinted square with round corners. */
export function composePicture(name, body) {
  const seed = hashOf(name);
  const random = randomOf(seed);
  const [ground, second, accent] = tints[seed % tints.length];
  const x = round(200 + (random() - 0.5) * 150);
  const y = round(200 + (random() - 0.5) * 110);
  return svg(
    400,
    400,
    `<clipPath id="square"><rect width="400" height="400" rx="26"/></clipPath>` +
      `<g clip-path="url(#square)"><rect width="400" height="400" fill="${ground}"/>` +
      `<circle cx="${x}" cy="${y}" r="158" fill="${second}"/>${confetti(random, accent)}` +
      `<ellipse cx="200" cy="306" rx="86" ry="11" fill="#221933" opacity=".13"/>` +
      `<g transform="translate(92 84) scale(6.75)">${withOwnIds(name, body)}</g></g>`,
  );
}

/** The bare icon, for illustrations inside pages. */
export function composeSticker(body) {
  return svg(32, 32, body);
}

/** Toy, middle x, middle y, size and turn in degrees: what bursts out of the door. */
const burst = [
  ['rocket', 612, 132, 128, 12],
  ['balloon', 118, 128, 112, -10],
  ['t-rex', 584, 500, 190, 4],
  ['teddy-bear', 362, 508, 196, -3],
  ['kite', 474, 92, 104, 12],
  ['yo-yo', 232, 108, 84, -14],
  ['racing-car', 134, 566, 128, -8],
  ['robot', 648, 296, 104, 14],
  ['soccer-ball', 462, 566, 78, 0],
  ['unicorn', 96, 330, 124, -12],
  ['puzzle-piece', 348, 92, 70, 12],
  ['game-die', 548, 238, 62, 12],
];

export const burstToys = burst.map(([name]) => name);

/** The shop's own scene: a door flies open and the toys come out. `bodyOf` gives an icon's SVG. */
export function composeScene(bodyOf) {
  const toys = burst.map(([name, x, y, size, turn]) => {
    const scale = round((size / 32) * 10) / 10;
    const place = `translate(${x} ${y}) rotate(${turn}) scale(${scale}) translate(-16 -16)`;
    return `<g transform="${place}">${withOwnIds(name, bodyOf(name))}</g>`;
  });
  return svg(
    720,
    640,
    `<ellipse cx="350" cy="600" rx="320" ry="24" fill="#221933" opacity=".16"/>` +
      `<path d="M224 600V292a136 136 0 0 1 272 0V600z" fill="#221933"/>` +
      `<path d="M248 600V294a112 112 0 0 1 224 0V600z" fill="#fff6df"/>` +
      `<path d="M360 182a112 112 0 0 1 112 112V600H360z" fill="#ffe9b0"/>` +
      `<path d="M248 292C240 214 196 176 142 206V634L248 600z" fill="#e23d28"/>` +
      `<path d="M228 300C222 250 196 226 164 238V398L228 392zM228 424L164 432V596L228 578z" ` +
      `fill="#c22c1b"/>` +
      `<circle cx="160" cy="416" r="11" fill="#ffc531"/>${toys.join('')}`,
  );
}
