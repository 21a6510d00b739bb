/** The user's calls that are over, page by page, and how many missed ones nobody has looked at. */
import type { HistoryRow, RingbackClient } from 'ringback-client';
import { Value } from '../store';

export interface HistorySnapshot {
  rows: readonly HistoryRow[];
  /** Whether there are older ones. */
  more: boolean;
  state: 'loading' | 'ready' | 'failed';
  missed: number;
}

type Server = Pick<RingbackClient, 'history' | 'missedCount' | 'markSeen' | 'on'>;

const PAGE = 30;

export class CallHistory extends Value<HistorySnapshot> {
  readonly #server: Server;
  #next: string | undefined;
  #round = 0;
  #stops: (() => void)[] = [];
  #watched = false;

  constructor(server: Server) {
    super({ rows: [], more: false, state: 'loading', missed: 0 });
    this.#server = server;
  }

  start(): void {
    const reload = () => void this.reload();
    this.#stops = [this.#server.on('history-changed', reload), this.#server.on('over', reload)];
    void this.reload();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#round++;
  }

  /** From the newest on; what is shown stays until the answer is there. */
  async reload(): Promise<void> {
    const round = ++this.#round;
    if (this.snapshot.state === 'failed') this.set({ ...this.snapshot, state: 'loading' });
    try {
      const [page, missed] = await Promise.all([this.#server.history({ limit: PAGE }), this.#server.missedCount()]);
      if (round !== this.#round) return;
      this.#next = page.nextBatch;
      this.set({ rows: page.calls, more: page.nextBatch !== undefined, state: 'ready', missed });
      if (this.#watched) await this.#markSeen();
    } catch {
      if (round === this.#round) this.set({ ...this.snapshot, state: 'failed' });
    }
  }

  async loadMore(): Promise<void> {
    const round = this.#round;
    const from = this.#next;
    if (from === undefined) return;
    this.set({ ...this.snapshot, state: 'loading' });
    try {
      const page = await this.#server.history({ limit: PAGE, from });
      if (round !== this.#round) return;
      this.#next = page.nextBatch;
      this.set({ ...this.snapshot, rows: [...this.snapshot.rows, ...page.calls], more: page.nextBatch !== undefined, state: 'ready' });
    } catch {
      if (round === this.#round) this.set({ ...this.snapshot, state: 'failed' });
    }
  }

  /** While somebody looks at the list, missed calls count as seen. */
  watch(watched: boolean): void {
    this.#watched = watched;
    if (watched) void this.#markSeen();
  }

  async #markSeen(): Promise<void> {
    if (this.snapshot.missed === 0) return;
    try {
      await this.#server.markSeen();
      this.set({ ...this.snapshot, missed: 0 });
    } catch {
      // The badge stays, and the next look tries again.
    }
  }
}

export interface Day {
  /** Local midnight, in ms. */
  start: number;
  rows: HistoryRow[];
}

/** Newest first, as they come: neighbours of one local day together. */
export function byDay(rows: readonly HistoryRow[]): Day[] {
  const days: Day[] = [];
  for (const row of rows) {
    const start = new Date(row.createdAt).setHours(0, 0, 0, 0);
    const last = days.at(-1);
    if (last?.start === start) last.rows.push(row);
    else days.push({ start, rows: [row] });
  }
  return days;
}

/** «0:07», «12:05», «1:02:03». */
export function clock(ms: number): string {
  const all = Math.round(ms / 1000);
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}
