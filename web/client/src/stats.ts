import type { PeerState, Quality, QualityNumbers } from './types.js';

/** What is compared with the next reading; all counters grow from the start of the connection. */
export interface Reading {
  at: number;
  received: number;
  sent: number;
  packets: number;
  lost: number;
  /** There is nothing to compare it with yet. */
  isFirst: boolean;
  numbers: QualityNumbers;
}

type Row = Record<string, unknown> & { id: string; type: string; timestamp: number };

/** Reads the numbers of a connection out of `getStats()`; rates are since `before`. */
export function read(report: Iterable<[string, unknown]>, before: Reading | null): Reading {
  const rows = new Map([...report] as [string, Row][]);
  const of = (type: string) => [...rows.values()].filter((row) => row.type === type);
  const inbound = of('inbound-rtp');
  const pair = selectedPair(rows);
  const local = pair && rows.get(String(pair['localCandidateId']));
  const remote = pair && rows.get(String(pair['remoteCandidateId']));
  const videos = inbound.filter(({ kind }) => kind === 'video');
  // The largest picture is the one that is looked at: a shared screen, where there is one.
  const picture = videos.reduce<Row | null>((best, row) => (!best || number(row['frameWidth']) > number(best['frameWidth']) ? row : best), null);

  const at = pair?.timestamp ?? inbound[0]?.timestamp ?? 0;
  const received = sum(inbound, 'bytesReceived');
  const sent = sum(of('outbound-rtp'), 'bytesSent');
  const packets = sum(inbound, 'packetsReceived');
  const lost = Math.max(0, sum(inbound, 'packetsLost'));
  const seconds = before ? (at - before.at) / 1000 : 0;
  const kbps = (bytes: number) => (seconds > 0 ? Math.max(0, Math.round((bytes * 8) / 1000 / seconds)) : 0);
  const gone = before ? Math.max(0, lost - before.lost) : 0;
  const came = before ? Math.max(0, packets - before.packets) : 0;
  const jitters = inbound.map((row) => optional(row['jitter'])).filter((jitter) => jitter !== null);
  const rtt = optional(pair?.['currentRoundTripTime']);
  return {
    at,
    received,
    sent,
    packets,
    lost,
    isFirst: before === null,
    numbers: {
      rttMs: rtt === null ? null : Math.round(rtt * 1000),
      lossPercent: gone + came > 0 ? Math.round((gone / (gone + came)) * 1000) / 10 : null,
      jitterMs: jitters.length > 0 ? Math.round(Math.max(...jitters) * 1000) : null,
      receiveKbps: kbps(received - (before?.received ?? 0)),
      sendKbps: kbps(sent - (before?.sent ?? 0)),
      framesPerSecond: optional(picture?.['framesPerSecond']),
      width: optional(picture?.['frameWidth']),
      height: optional(picture?.['frameHeight']),
      localCandidate: text(local?.['candidateType']),
      remoteCandidate: text(remote?.['candidateType']),
      protocol: text(local?.['relayProtocol']) ?? text(local?.['protocol']),
      framesDecoded: sum(videos, 'framesDecoded'),
      audioBytes: sum(inbound.filter(({ kind }) => kind === 'audio'), 'bytesReceived'),
    },
  };
}

/** Chromium names it by the transport; Firefox marks the pair itself. */
function selectedPair(rows: Map<string, Row>): Row | undefined {
  for (const row of rows.values()) {
    if (row.type !== 'transport' || !row['selectedCandidatePairId']) continue;
    return rows.get(String(row['selectedCandidatePairId']));
  }
  return [...rows.values()].find((row) => row.type === 'candidate-pair' && (row['selected'] === true || (row['nominated'] === true && row['state'] === 'succeeded')));
}

/**
 * One word for the numbers. Weak: what people notice, from 5 % loss, 400 ms round trip or 60 ms jitter on.
 * Lost: there is a connection and nothing comes, though the other side sends (an Opus microphone always does).
 */
export function quality(state: PeerState, reading: Reading | null): Quality {
  if (state === 'reconnecting') return 'reconnecting';
  if (state === 'failed') return 'lost';
  if (state === 'connecting' || !reading || reading.isFirst) return 'unknown';
  const { numbers } = reading;
  if (numbers.receiveKbps === 0 && numbers.lossPercent === null) return numbers.audioBytes > 0 ? 'lost' : 'unknown';
  const { lossPercent, rttMs, jitterMs } = numbers;
  return (lossPercent ?? 0) >= 5 || (rttMs ?? 0) >= 400 || (jitterMs ?? 0) >= 60 ? 'weak' : 'good';
}

const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
const optional = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const sum = (rows: Row[], field: string): number => rows.reduce((total, row) => total + number(row[field]), 0);
