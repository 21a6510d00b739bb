/** What is said to those who do not see the screen: the difference between two snapshots, in sentences. */
import type { CallSnapshot } from 'ringback-client';
import type { Words } from './words';

export function announcements(before: CallSnapshot, now: CallSnapshot, name: (userId: string) => string, t: Words): string[] {
  const said: string[] = [];
  const had = new Map(before.peers.map((peer) => [peer.id, peer]));
  const has = new Map(now.peers.map((peer) => [peer.id, peer]));
  if (now.phase !== 'over') {
    for (const [id, { userId }] of has) if (!had.has(id)) said.push(t('say.joined', { name: name(userId) }));
    for (const [id, { userId }] of had) if (!has.has(id)) said.push(t('say.left', { name: name(userId) }));
  }
  for (const [id, peer] of has) {
    const sharedBefore = had.get(id)?.screenOn ?? false;
    if (peer.screenOn && !sharedBefore) said.push(t('say.theyShare', { name: name(peer.userId) }));
    if (!peer.screenOn && sharedBefore) said.push(t('say.theyStopped', { name: name(peer.userId) }));
  }
  const [was, is] = [before.local, now.local];
  if (was.microphoneOn && !is.microphoneOn) said.push(t('say.muted'));
  if (!was.microphoneOn && is.microphoneOn) said.push(t('say.unmuted'));
  if (was.cameraOn && !is.cameraOn) said.push(t('say.cameraOff'));
  if (!was.cameraOn && is.cameraOn) said.push(t('say.cameraOn'));
  if (was.screenOn && !is.screenOn) said.push(t('say.shareOff'));
  if (!was.screenOn && is.screenOn) said.push(t('say.shareOn'));
  if (before.phase === 'reconnecting' && now.phase === 'connected') said.push(t('say.reconnected'));
  return said;
}
