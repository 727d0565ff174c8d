import type { CategoryRow, CustomerRow, ProductRow, ReviewRow } from './schema.js';

const KINDS = [
  {
    id: 'kitchen',
    name: 'Kitchen',
    things: ['Kettle', 'Saucepan', 'Chef Knife', 'Mixing Bowl', 'Coffee Grinder', 'Toaster'],
  },
  {
    id: 'garden',
    name: 'Garden',
    things: ['Spade', 'Watering Can', 'Pruner', 'Rain Barrel', 'Wheelbarrow', 'Hose Reel'],
  },
  {
    id: 'office',
    name: 'Office',
    things: ['Desk Lamp', 'Notebook', 'Fountain Pen', 'Swivel Chair', 'Shelf', 'Paper Tray'],
  },
  {
    id: 'outdoor',
    name: 'Outdoor',
    things: ['Tent', 'Backpack', 'Sleeping Bag', 'Camp Stove', 'Headlamp', 'Water Filter'],
  },
  {
    id: 'music',
    name: 'Music',
    things: ['Ukulele', 'Microphone', 'Turntable', 'Metronome', 'Guitar Stand', 'Headphones'],
  },
  {
    id: 'sport',
    name: 'Sport',
    things: ['Skipping Rope', 'Yoga Mat', 'Dumbbell', 'Racket', 'Swim Goggles', 'Bike Pump'],
  },
  {
    id: 'toys',
    name: 'Toys',
    things: ['Puzzle', 'Kite', 'Building Blocks', 'Marble Run', 'Train Set', 'Spinning Top'],
  },
  {
    id: 'home',
    name: 'Home',
    things: ['Wool Blanket', 'Floor Lamp', 'Wall Clock', 'Cushion', 'Rug', 'Laundry Basket'],
  },
] as const;
const LOOKS = [
  'Copper',
  'Walnut',
  'Steel',
  'Linen',
  'Ceramic',
  'Bamboo',
  'Cork',
  'Enamel',
  'Leather',
  'Glass',
  'Brass',
  'Oak',
];
const NATURES = [
  'Quiet',
  'Sturdy',
  'Compact',
  'Classic',
  'Folding',
  'Light',
  'Grand',
  'Everyday',
  'Nordic',
  'Traveller',
];
const PLACES = [
  'a small workshop in Porto',
  'a family mill near Graz',
  'a cooperative in Leeds',
  'a foundry in Bergen',
];
const CLAIMS = [
  'The handle stays cool, the edges are finished by hand, and every screw can be undone again.',
  'It packs flat, weighs little and survives being dropped more often than anyone would like to admit.',
  'Spare parts are kept for ten years, and a repair sheet lies in the box.',
  'The surface darkens with use, which some owners love and others polish away each spring.',
  'Tested over two winters, rained on, sat upon, and still in daily use where the design began.',
  'Made in small batches, so the colour of yours will differ a little from the one in the picture.',
];
const OPINIONS = [
  ['Broke within a week and the spare parts never came.', 'Not what the picture shows; it went back the same day.'],
  ['Usable, but the finish is rough and the lid does not close.', 'Too heavy for the size, I expected more.'],
  ['Does what it says, nothing more.', 'Fine for the price; delivery took long.'],
  ['Well made and quiet, I would buy it again.', 'A solid piece of work with one small scratch.'],
  ['Excellent, sturdy, and a pleasure to use each morning.', 'The best present I have given in years.'],
] as const;
const REMARKS = [
  'My neighbour wants one.',
  'The packaging was plain cardboard, which I like.',
  'The colour is warmer than shown.',
  '',
];
const FIRST = ['Ada', 'Bela', 'Chloe', 'Daan', 'Edda', 'Femi', 'Gino', 'Hana', 'Ivo', 'Jana', 'Kofi', 'Lena'];
const LAST = [
  'Abel',
  'Brandt',
  'Costa',
  'Diallo',
  'Eriksen',
  'Fischer',
  'Greco',
  'Horvat',
  'Ito',
  'Jansen',
  'Kaya',
  'Lund',
];
const COUNTRIES = ['AT', 'DE', 'FR', 'GB', 'IT', 'NO', 'PT', 'SE'];
const LAST_DAY = Date.UTC(2026, 9, 31);
const DAY = 86_400_000;

type Random = () => number;

/** The same numbers on every machine (mulberry32), so that a product id means the same product everywhere. */
export function randomFrom(state: number): Random {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

export function categories(): CategoryRow[] {
  return KINDS.map(({ id, name, things }) => ({
    id,
    name,
    description: `${name}: ${things.join(', ')} and more, from workshops we know.`,
  }));
}

export function customers(count: number): CustomerRow[] {
  const random = randomFrom(11);
  return Array.from({ length: count }, (_, index) => ({
    id: String(index + 1),
    name: `${pick(random, FIRST)} ${pick(random, LAST)}`,
    country: pick(random, COUNTRIES),
  }));
}

/** Products '1' to `count`; the categories take turns. */
export function* products(count: number): Generator<ProductRow> {
  const random = randomFrom(23);
  for (let index = 0; index < count; index++) {
    const kind = KINDS[index % KINDS.length] as (typeof KINDS)[number];
    const thing = pick(random, kind.things);
    const listPriceCents = 500 + Math.floor(random() * 30_000);
    const createdAt = new Date(LAST_DAY - Math.floor(random() * 900 * DAY)).toISOString();
    yield {
      id: String(index + 1),
      name: `${pick(random, NATURES)} ${pick(random, LOOKS)} ${thing}`,
      description: `A ${thing.toLowerCase()} from ${pick(random, PLACES)}. ${pick(random, CLAIMS)} ${pick(random, CLAIMS)}`,
      categoryId: kind.id,
      priceCents: random() < 0.25 ? Math.floor(listPriceCents * (0.5 + random() * 0.4)) : listPriceCents,
      listPriceCents,
      createdAt,
      updatedAt: createdAt,
      version: 1,
    };
  }
}

/** Reviews '1' to `count`. Products differ in how good they are and in how often they are reviewed. */
export function* reviews(count: number, productCount: number, customerCount: number): Generator<ReviewRow> {
  const random = randomFrom(37);
  for (let index = 0; index < count; index++) {
    const product = 1 + Math.floor(random() ** 1.5 * productCount);
    const quality = randomFrom(product)() * 3;
    const rating = Math.min(5, 1 + Math.floor(quality + random() * 2.5));
    yield {
      id: String(index + 1),
      productId: String(product),
      customerId: String(1 + Math.floor(random() * customerCount)),
      rating,
      body: `${pick(random, OPINIONS[rating - 1] ?? OPINIONS[2])} ${pick(random, REMARKS)}`.trim(),
      createdAt: new Date(LAST_DAY - Math.floor(random() * 600 * DAY)).toISOString(),
    };
  }
}
