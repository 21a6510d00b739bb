import { describe, expect, it } from 'vitest';
import { quality, read, type Reading } from '../src/stats.js';

interface Moment {
  at: number;
  audioBytes?: number;
  videoBytes?: number;
  sent?: number;
  packets?: number;
  lost?: number;
  rtt?: number;
  jitter?: number;
}

/** What Chromium reports, with two connections of which one is chosen. */
function report({ at, audioBytes = 0, videoBytes = 0, sent = 0, packets = 0, lost = 0, rtt = 0.05, jitter = 0.004 }: Moment): Map<string, unknown> {
  const rows = [
    { id: 'T', type: 'transport', timestamp: at, selectedCandidatePairId: 'P1' },
    { id: 'P0', type: 'candidate-pair', timestamp: at, localCandidateId: 'L0', remoteCandidateId: 'R', currentRoundTripTime: 9, nominated: true, state: 'succeeded' },
    { id: 'P1', type: 'candidate-pair', timestamp: at, localCandidateId: 'L1', remoteCandidateId: 'R', currentRoundTripTime: rtt },
    { id: 'L0', type: 'local-candidate', timestamp: at, candidateType: 'host', protocol: 'udp' },
    { id: 'L1', type: 'local-candidate', timestamp: at, candidateType: 'relay', protocol: 'udp', relayProtocol: 'tcp' },
    { id: 'R', type: 'remote-candidate', timestamp: at, candidateType: 'srflx', protocol: 'udp' },
    { id: 'A', type: 'inbound-rtp', timestamp: at, kind: 'audio', bytesReceived: audioBytes, packetsReceived: packets, packetsLost: lost, jitter },
    { id: 'V', type: 'inbound-rtp', timestamp: at, kind: 'video', bytesReceived: videoBytes, framesDecoded: 30, framesPerSecond: 25, frameWidth: 640, frameHeight: 480 },
    { id: 'S', type: 'inbound-rtp', timestamp: at, kind: 'video', bytesReceived: 0, framesDecoded: 12, framesPerSecond: 5, frameWidth: 1920, frameHeight: 1080 },
    { id: 'O', type: 'outbound-rtp', timestamp: at, kind: 'audio', bytesSent: sent },
  ];
  return new Map(rows.map((row) => [row.id, row]));
}

function after(first: Moment, second: Moment): Reading {
  return read(report(second), read(report(first), null));
}

describe('reading the numbers', () => {
  it('gives rates since the reading before, and what is chosen', () => {
    const { numbers } = after({ at: 1000, audioBytes: 1000, videoBytes: 9000, sent: 0 }, { at: 3000, audioBytes: 11_000, videoBytes: 249_000, sent: 25_000 });
    expect(numbers).toEqual({
      rttMs: 50,
      lossPercent: null,
      jitterMs: 4,
      receiveKbps: 1000,
      sendKbps: 100,
      framesPerSecond: 5,
      width: 1920,
      height: 1080,
      localCandidate: 'relay',
      remoteCandidate: 'srflx',
      protocol: 'tcp',
      framesDecoded: 42,
      audioBytes: 11_000,
    });
  });

  it('counts loss since the reading before, not since the start', () => {
    expect(after({ at: 0, packets: 100, lost: 50 }, { at: 2000, packets: 190, lost: 60 }).numbers.lossPercent).toBe(10);
  });

  it('knows nothing of a connection without a chosen pair', () => {
    const { numbers } = read(new Map(), null);
    expect(numbers).toMatchObject({ rttMs: null, localCandidate: null, receiveKbps: 0, width: null });
  });

  it('finds the chosen pair of a browser that marks the pair itself', () => {
    const rows = new Map([...report({ at: 0 })].filter(([id]) => id !== 'T'));
    expect(read(rows, null).numbers.localCandidate).toBe('host');
  });
});

describe('one word for them', () => {
  const good = { at: 2000, packets: 200, audioBytes: 9000 };
  const words: [string, Moment][] = [
    ['good', good],
    ['weak', { ...good, rtt: 0.4 }],
    ['weak', { ...good, lost: 12 }],
    ['weak', { ...good, jitter: 0.06 }],
    ['lost', { at: 2000, packets: 100, audioBytes: 4000 }],
  ];
  it.each(words)('%s', (word, moment) => {
    expect(quality('connected', after({ at: 0, packets: 100, audioBytes: 4000 }, moment))).toBe(word);
  });

  it('follows the state of the connection first', () => {
    const reading = after({ at: 0 }, good);
    expect(quality('reconnecting', reading)).toBe('reconnecting');
    expect(quality('failed', reading)).toBe('lost');
    expect(quality('connecting', reading)).toBe('unknown');
    expect(quality('connected', null)).toBe('unknown');
    expect(quality('connected', read(report(good), null))).toBe('unknown');
  });

  it('misses nothing of somebody who never sent anything', () => {
    expect(quality('connected', after({ at: 0 }, { at: 2000 }))).toBe('unknown');
  });
});
