import { readable } from './numbers.mjs';

const WIDTH = 720;
const LEFT = 190;
const BAR = 20;
/** Widths of an average character, as parts of the size of the font: of text, and of a bold title. */
const [CHARACTER, BOLD] = [0.55, 0.58];
const SIZE = 13;
/** Least distance of two lines of text. */
const LINE = 15;
const OURS = '#2563eb';
const OTHERS = '#9ca3af';

/** Horizontal bars, one per contender, on a logarithmic scale when they lie more than a factor of 30 apart. Longer is more. */
export function bars(title, unit, cells) {
  const values = cells.map(({ median }) => median);
  const most = Math.max(...values);
  const least = Math.min(...values.filter((value) => value > 0));
  const logarithmic = most / least > 30;
  const labels = values.map((value) => `${readable(value)} ${unit}`);
  const room = WIDTH - LEFT - 14 - Math.max(...labels.map(({ length: characters }) => characters)) * SIZE * CHARACTER;
  const floor = logarithmic ? 10 ** Math.floor(Math.log10(least)) : 0;
  const length = (value) =>
    value <= 0 ? 0 : room * (logarithmic ? Math.log(value / floor) / Math.log(most / floor) : value / most);
  const rows = cells.map(({ contender, median }, index) => {
    const y = 40 + index * (BAR + 6);
    const color = contender.startsWith('strata') ? OURS : OTHERS;
    return (
      text(LEFT - 8, y + 14, contender, 'end') +
      `<rect x="${LEFT}" y="${y}" width="${length(median).toFixed(1)}" height="${BAR}" fill="${color}"/>` +
      text(LEFT + length(median) + 6, y + 14, labels[index])
    );
  });
  return svg(`${title}${logarithmic ? ' (logarithmic)' : ''}`, 52 + cells.length * (BAR + 6), rows.join(''));
}

/** Lines over a logarithmic number of things, each relative to its own first point. */
export function curves(title, series) {
  const height = 260;
  const xs = series.flatMap(({ points }) => points.map(({ x }) => x));
  const ys = series.flatMap(({ points }) => points.map(({ y }) => y));
  const [low, high] = [Math.log10(Math.min(...xs)), Math.log10(Math.max(...xs))];
  const top = Math.max(2, ...ys) * 1.1;
  const px = (x) => 60 + ((Math.log10(x) - low) / (high - low || 1)) * (WIDTH - 230);
  const py = (y) => height - 30 - (y / top) * (height - 80);
  const grid = [...new Set([0, 1, Math.round(top)])].map(
    (y) =>
      `<line x1="60" x2="${WIDTH - 170}" y1="${py(y)}" y2="${py(y)}" stroke="#e5e7eb"/>${text(52, py(y) + 4, `${y} x`, 'end')}`,
  );
  const ticks = [...new Set(xs)].map((x) => text(px(x), height - 10, x.toLocaleString('en'), 'middle'));
  const named = apart(series.map(({ points }) => py(points.at(-1).y) + 4));
  const lines = series.map(({ name, points }, index) => {
    const color = name.startsWith('strata') ? OURS : ['#6b7280', '#d97706', '#059669'][index % 3];
    const path = points.map(({ x, y }) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(' ');
    const end = points.at(-1);
    return (
      `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>` +
      text(px(end.x) + 8, named[index], name, 'start', color)
    );
  });
  return svg(title, height, [...grid, ...ticks, ...lines].join(''));
}

/** The same heights, in the same order, with room for a line of text between neighbours: curves that end together keep their names. */
function apart(heights) {
  const placed = [...heights];
  const order = heights.map((_, index) => index).sort((a, b) => heights[b] - heights[a]);
  for (const [rank, index] of order.entries()) {
    if (rank > 0) placed[index] = Math.min(heights[index], placed[order[rank - 1]] - LINE);
  }
  return placed;
}

function text(x, y, words, anchor = 'start', color = '#111827') {
  const safe = words.replace(/[<>&]/g, (mark) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;' })[mark]);
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${color}">${safe}</text>`;
}

function svg(title, height, body) {
  const size = Math.min(15, (WIDTH - 32) / (title.length * BOLD)).toFixed(1);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="${SIZE}">` +
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>` +
    `<text x="16" y="24" font-size="${size}" font-weight="600" fill="#111827">${title.replace(/[<>&]/g, '')}</text>${body}</svg>\n`
  );
}
