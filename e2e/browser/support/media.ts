/** What really flows, by the browser's own statistics. */
import { expect, type Page } from '@playwright/test';

export interface Flow {
  /** Of the pairs of candidates that are in use: `relay/relay`. */
  paths: string[];
  audioBytes: number;
  /** The sum of what was heard: grows where it is not silence. */
  audioEnergy: number;
  framesDecoded: number;
  /** Pictures that come in now. */
  videos: number;
}

/** Over all connections that are open. */
export function flow(page: Page): Promise<Flow> {
  return page.evaluate(async () => {
    const flow: Flow = { paths: [], audioBytes: 0, audioEnergy: 0, framesDecoded: 0, videos: 0 };
    const open = window.inPage.connections.filter((connection) => connection.connectionState !== 'closed');
    for (const report of await Promise.all(open.map((connection) => connection.getStats()))) {
      const entries = new Map<string, Record<string, any>>([...report.entries()]);
      for (const entry of entries.values()) {
        if (entry.type === 'transport' && entry.selectedCandidatePairId) {
          const pair = entries.get(entry.selectedCandidatePairId);
          const kind = (id: string) => entries.get(id)?.candidateType ?? '?';
          flow.paths.push(`${kind(pair?.localCandidateId)}/${kind(pair?.remoteCandidateId)}`);
        }
        if (entry.type !== 'inbound-rtp') continue;
        if (entry.kind === 'audio') {
          flow.audioBytes += entry.bytesReceived ?? 0;
          flow.audioEnergy += entry.totalAudioEnergy ?? 0;
        } else {
          flow.framesDecoded += entry.framesDecoded ?? 0;
          flow.videos += 1;
        }
      }
    }
    return flow;
  });
}

/** More is heard, and where `video`, more is seen, than at this moment; all of it by the relay. */
export async function expectFlow(page: Page, { video = true, within = 15_000 } = {}): Promise<Flow> {
  let before = await flow(page);
  await expect(async () => {
    const now = await flow(page);
    // A connection that was made anew begins to count anew.
    if (now.audioBytes < before.audioBytes || now.framesDecoded < before.framesDecoded) before = now;
    expect(now.audioBytes, 'bytes of sound').toBeGreaterThan(before.audioBytes);
    expect(now.audioEnergy, 'energy of sound').toBeGreaterThan(before.audioEnergy);
    if (video) expect(now.framesDecoded, 'decoded frames').toBeGreaterThan(before.framesDecoded + 5);
    expect(new Set(now.paths), 'the way').toEqual(new Set(['relay/relay']));
  }).toPass({ timeout: within, intervals: [100, 200, 300] });
  return flow(page);
}
