import { describe, expect, test } from 'vitest';
import { cornerOf, mayFill, moveCorner, place, type Rect } from './tiles';

const phone = { width: 344, height: 560 };
const desk = { width: 1408, height: 740 };
const ids = (count: number) => Array.from({ length: count }, (_, index) => String(index));
const grid = (count: number, box: typeof phone) => [...place({ box, tiles: ids(count), main: null, small: null }).values()];
const overlap = (one: Rect, other: Rect) =>
  one.x < other.x + other.width - 0.5 && other.x < one.x + one.width - 0.5 && one.y < other.y + other.height - 0.5 && other.y < one.y + one.height - 0.5;
const inside = ({ x, y, width, height }: Rect, box: typeof phone) => x >= -0.5 && y >= -0.5 && x + width <= box.width + 0.5 && y + height <= box.height + 0.5;

function expectTidy(rects: Rect[], box: typeof phone): void {
  for (const rect of rects) expect({ rect, inside: inside(rect, box) }).toEqual({ rect, inside: true });
  rects.forEach((one, index) => rects.slice(index + 1).forEach((other) => expect(overlap(one, other)).toBe(false)));
}

describe.each([
  ['a phone', phone, 0.55],
  ['a desktop', desk, 0.55],
] as const)('on %s', (_, box, least) => {
  test.each([1, 2, 3, 4, 5, 6])('%d tiles fit, apart from each other, and use the room', (count) => {
    const rects = grid(count, box);
    expect(rects).toHaveLength(count);
    expectTidy(rects, box);
    const used = rects.reduce((sum, { width, height }) => sum + width * height, 0);
    expect(used / (box.width * box.height)).toBeGreaterThan(least);
  });

  test('a screen is large, with everybody beside it', () => {
    const placed = place({ box, tiles: ids(5), main: '2', small: null });
    expectTidy([...placed.values()], box);
    const [main, other] = [placed.get('2'), placed.get('0')];
    expect((main?.width ?? 0) * (main?.height ?? 0)).toBeGreaterThan(0.6 * box.width * box.height);
    expect(other?.width).toBeLessThan(box.width / 3);
  });

  test('the small picture stands in its corner, over the large one', () => {
    const placed = place({ box, tiles: ['peer', 'own'], main: null, small: { id: 'own', corner: 'bottom-right' } });
    expect(placed.get('peer')).toEqual({ x: 0, y: 0, ...box });
    const own = placed.get('own');
    expect(own && inside(own, box)).toBe(true);
    expect(own && cornerOf(box, own.x + own.width / 2, own.y + own.height / 2)).toBe('bottom-right');
  });
});

test('two stand one above the other on a phone, and side by side on a desktop', () => {
  const [top, bottom] = grid(2, phone);
  expect(bottom?.y).toBeGreaterThan(top?.y ?? 0);
  const [left, right] = grid(2, desk);
  expect(right?.x).toBeGreaterThan(left?.x ?? 0);
});

test('arrow keys move the small picture', () => {
  expect(moveCorner('bottom-right', 'ArrowUp')).toBe('top-right');
  expect(moveCorner('top-right', 'ArrowLeft')).toBe('top-left');
  expect(moveCorner('top-left', 'Enter')).toBe('top-left');
});

test('a picture fills its place unless most of it would be lost', () => {
  expect(mayFill({ width: 1280, height: 720 }, desk)).toBe(true);
  expect(mayFill({ width: 720, height: 1280 }, desk)).toBe(false);
  expect(mayFill({ width: 0, height: 0 }, desk)).toBe(true);
});
