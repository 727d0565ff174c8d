/** A line of a chart. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [at: number, value: number])[];
}

export interface ChartOptions {
  readonly title: string;
  /** What the vertical axis counts. */
  readonly unit: string;
  readonly lines: readonly Line[];
  /** A time that is shaded, with its name. */
  readonly band: { readonly name: string; readonly from: number; readonly to: number };
}

const WIDTH = 860;
const HEIGHT = 300;
const LEFT = 64;
const RIGHT = 20;
const TOP = 56;
const BOTTOM = 40;
/** Told apart also by those who see no red or green (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

/** Draws lines over seconds as SVG, on a ground of its own so that it is read on dark pages too. */
export function lineChart({ title, unit, lines, band }: ChartOptions): string {
  const end = Math.max(...lines.flatMap(({ points }) => points.map(([at]) => at)));
  const top = niceCeiling(Math.max(1, ...lines.flatMap(({ points }) => points.map(([, value]) => value))));
  const x = (at: number): string => (LEFT + (at / end) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const y = (value: number): string => (HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const text = (at: string, up: string, words: string, more = ''): string =>
    `<text x="${at}" y="${up}"${more}>${escape(words)}</text>`;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = y(part * top);
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#ddd"/>${text(String(LEFT - 8), at, number(part * top), ' text-anchor="end" dominant-baseline="middle"')}`;
  });
  const seconds = Array.from({ length: Math.floor(end / 10) + 1 }, (_, index) => index * 10).map((at) =>
    text(x(at), String(HEIGHT - BOTTOM + 18), `${at} s`, ' text-anchor="middle"'),
  );
  const drawn = lines.map(({ points }, index) => {
    const path = points.map(([at, value]) => `${x(at)},${y(value)}`).join(' ');
    return `<polyline points="${path}" fill="none" stroke="${COLOURS[index % COLOURS.length]}" stroke-width="2"/>`;
  });
  const legend = lines.map(({ name }, index) => {
    const at = LEFT + index * 150;
    return `<rect x="${at}" y="36" width="12" height="4" fill="${COLOURS[index % COLOURS.length]}"/>${text(String(at + 18), '42', name)}`;
  });
  const shade = `<rect x="${x(band.from)}" y="${TOP}" width="${(Number(x(band.to)) - Number(x(band.from))).toFixed(1)}" height="${HEIGHT - TOP - BOTTOM}" fill="#f2e8d5"/>${text(x(band.from), String(TOP + 14), ` ${band.name}`)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="sans-serif" font-size="12" fill="#222">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(String(LEFT), '22', `${title} (${unit})`, ' font-size="15"'),
    shade,
    ...grid,
    ...seconds,
    ...drawn,
    ...legend,
    '</svg>',
    '',
  ].join('\n');
}

function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 4, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

function number(value: number): string {
  return value >= 1000 ? `${value / 1000}k` : String(Number(value.toFixed(2)));
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
