/** Where each picture of a call stands. Pure geometry, in CSS pixels. */
export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Box {
  width: number;
  height: number;
}

export type Corner = 'top-left' | 'top-right' | 'bottom-left' | 'bottom-right';

export interface Plan {
  box: Box;
  /** Shown as a grid, or as a strip beside `main`. */
  tiles: readonly string[];
  /** Shown as large as can be: a screen, or whom the user chose. */
  main: string | null;
  /** Shown small, over the others. */
  small: { id: string; corner: Corner } | null;
}

const GAP = 8;
/** The shapes that a tile may have, by width over height: cameras of desktops are wide, those of phones upright. */
const WIDEST = 16 / 9;
const narrowest = (box: Box) => (box.width > box.height ? 6 / 5 : 3 / 4);

export function place(plan: Plan): Map<string, Rect> {
  const { box, tiles, main, small } = plan;
  const placed = new Map<string, Rect>();
  const others = tiles.filter((id) => id !== main && id !== small?.id);
  if (main === null) {
    grid(others, { x: 0, y: 0, ...box }, placed);
  } else if (others.length === 0) {
    placed.set(main, { x: 0, y: 0, ...box });
  } else {
    spotlight(main, others, box, placed);
  }
  if (small) placed.set(small.id, inCorner(box, small.corner));
  return placed;
}

/** Tries every number of columns, and takes the one with the largest tiles; the last row is centred. */
function grid(ids: readonly string[], area: Rect, placed: Map<string, Rect>): void {
  const first = ids[0];
  if (first === undefined) return;
  if (ids.length === 1) {
    placed.set(first, area);
    return;
  }
  let best = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= ids.length; columns++) {
    const rows = Math.ceil(ids.length / columns);
    const room = { width: (area.width - GAP * (columns - 1)) / columns, height: (area.height - GAP * (rows - 1)) / rows };
    const tile = shape(room, narrowest(area));
    if (tile.width * tile.height > best.width * best.height) best = { columns, ...tile };
  }
  const { columns, width, height } = best;
  const rows = Math.ceil(ids.length / columns);
  const top = area.y + (area.height - rows * height - (rows - 1) * GAP) / 2;
  ids.forEach((id, index) => {
    const row = Math.floor(index / columns);
    const inRow = row === rows - 1 ? ids.length - row * columns : columns;
    const left = area.x + (area.width - inRow * width - (inRow - 1) * GAP) / 2;
    placed.set(id, { x: left + (index % columns) * (width + GAP), y: top + row * (height + GAP), width, height });
  });
}

function shape({ width, height }: Box, least: number): Box {
  if (width <= 0 || height <= 0) return { width: 0, height: 0 };
  if (width / height > WIDEST) return { width: height * WIDEST, height };
  if (width / height < least) return { width, height: width / least };
  return { width, height };
}

/** One large, the others in a strip: at the right where there is more width than height, else below. */
function spotlight(main: string, others: readonly string[], box: Box, placed: Map<string, Rect>): void {
  const beside = box.width > box.height * 1.2;
  if (beside) {
    const width = clamp(box.width * 0.2, 112, 260);
    const height = Math.min((width * 3) / 4, (box.height - GAP * (others.length - 1)) / others.length);
    const top = (box.height - others.length * height - (others.length - 1) * GAP) / 2;
    placed.set(main, { x: 0, y: 0, width: box.width - width - GAP, height: box.height });
    others.forEach((id, index) => placed.set(id, { x: box.width - width, y: top + index * (height + GAP), width, height }));
  } else {
    const height = clamp(box.height * 0.22, 88, 180);
    const width = Math.min(height, (box.width - GAP * (others.length - 1)) / others.length);
    const left = (box.width - others.length * width - (others.length - 1) * GAP) / 2;
    placed.set(main, { x: 0, y: 0, width: box.width, height: box.height - height - GAP });
    others.forEach((id, index) => placed.set(id, { x: left + index * (width + GAP), y: box.height - height, width, height }));
  }
}

function inCorner(box: Box, corner: Corner): Rect {
  const upright = box.height > box.width;
  const width = upright ? clamp(box.width * 0.28, 88, 160) : clamp(box.width * 0.2, 140, 280);
  const height = upright ? (width * 4) / 3 : (width * 9) / 16;
  const margin = upright ? 12 : 20;
  return {
    x: corner.endsWith('left') ? margin : box.width - width - margin,
    y: corner.startsWith('top') ? margin : box.height - height - margin,
    width,
    height,
  };
}

/** The corner in whose quarter a point lies. */
export function cornerOf(box: Box, x: number, y: number): Corner {
  const side = x < box.width / 2 ? 'left' : 'right';
  return y < box.height / 2 ? `top-${side}` : `bottom-${side}`;
}

export function moveCorner(corner: Corner, key: string): Corner {
  const [row, side] = corner.split('-') as ['top' | 'bottom', 'left' | 'right'];
  if (key === 'ArrowUp') return `top-${side}`;
  if (key === 'ArrowDown') return `bottom-${side}`;
  if (key === 'ArrowLeft') return `${row}-left`;
  if (key === 'ArrowRight') return `${row}-right`;
  return corner;
}

/** Whether a picture may be cropped to fill its place: not where more than 55 % of it would be lost. */
export function mayFill(picture: Box, place: Box): boolean {
  if (picture.width === 0 || picture.height === 0 || place.width === 0 || place.height === 0) return true;
  const ratio = picture.width / picture.height / (place.width / place.height);
  return Math.min(ratio, 1 / ratio) >= 0.45;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
