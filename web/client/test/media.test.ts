import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Media, type Slot } from '../src/media.js';
import type { MediaChoice } from '../src/types.js';
import { browser, type FakeDevices, type FakeTrack } from './fakes.js';

let devices: FakeDevices;
beforeEach(() => ({ devices } = browser()));
afterEach(() => vi.unstubAllGlobals());

async function open(choice: MediaChoice = {}) {
  const media = new Media('video', choice);
  const sending: Partial<Record<Slot, FakeTrack | null>> = {};
  const told: string[] = [];
  media.onTrack = (slot, track) => (sending[slot] = track as FakeTrack | null);
  media.onToggle = (slot, on) => void told.push(`${slot} ${on ? 'on' : 'off'}`);
  await media.start();
  return { media, sending, told };
}

describe('microphone and camera', () => {
  it('are both taken in a video call', async () => {
    const { media, sending } = await open();
    expect(media.snapshot).toMatchObject({ microphoneOn: true, cameraOn: true, microphoneId: 'default', cameraId: 'front', problem: null });
    expect([sending.audio?.kind, sending.camera?.kind]).toEqual(['audio', 'video']);
  });

  it('are what was chosen', async () => {
    const { sending, media } = await open({ audio: { deviceId: 'headset' }, video: false });
    expect(sending.audio?.deviceId).toBe('headset');
    expect(sending.camera).toBeUndefined();
    expect(media.snapshot).toMatchObject({ cameraOn: false, camera: null });
  });

  it('go on without a camera that is denied', async () => {
    devices.broken.video = 'NotAllowedError';
    const { media, sending } = await open();
    expect(sending.audio?.readyState).toBe('live');
    expect(media.snapshot).toMatchObject({ cameraOn: false, microphoneOn: true, problem: { device: 'camera', reason: 'denied' } });
    devices.broken = {};
    await media.setCamera(true);
    expect(media.snapshot).toMatchObject({ cameraOn: true, problem: null });
  });

  const problems: [string, string][] = [['NotAllowedError', 'denied'], ['NotFoundError', 'not-found'], ['NotReadableError', 'in-use'], ['TypeError', 'other']];
  it.each(problems)('say why the microphone cannot be had: %s', async (name, reason) => {
    devices.broken.audio = name;
    const { media } = await open({ video: false });
    expect(media.snapshot).toMatchObject({ microphoneOn: false, problem: { device: 'microphone', reason } });
  });

  it('say that the page is not secure', async () => {
    vi.stubGlobal('navigator', {});
    const { media } = await open({ video: false });
    expect(media.snapshot.problem).toMatchObject({ reason: 'insecure' });
  });

  it('mute without letting the microphone go, and let the camera go when it is off', async () => {
    const { media, sending, told } = await open();
    const [microphone, camera] = [sending.audio, sending.camera];
    await media.setMicrophone(false);
    expect(microphone).toMatchObject({ readyState: 'live', enabled: false });
    await media.setCamera(false);
    expect(camera?.readyState).toBe('ended');
    expect(sending.camera).toBeNull();
    await media.setMicrophone(true);
    expect(microphone?.enabled).toBe(true);
    expect(told).toEqual(['audio on', 'camera on', 'audio off', 'camera off', 'audio on']);
  });

  it('stay muted when the microphone is exchanged', async () => {
    const { media, sending } = await open();
    await media.setMicrophone(false);
    await media.useMicrophone('headset');
    expect(sending.audio).toMatchObject({ deviceId: 'headset', enabled: false });
    expect(media.snapshot.microphoneOn).toBe(false);
  });

  it('replace a microphone that is pulled out, but no camera', async () => {
    const { media, sending } = await open();
    const [microphone, camera] = [sending.audio, sending.camera];
    microphone?.unplug();
    camera?.unplug();
    media.clearProblem();
    await media.setMicrophone(true); // after what is under way
    expect(sending.audio).not.toBe(microphone);
    expect(sending.audio?.readyState).toBe('live');
    expect(media.snapshot).toMatchObject({ cameraOn: false, camera: null, problem: { device: 'camera', reason: 'not-found' } });
  });

  it('switch to the next camera, and round', async () => {
    devices.cameras = ['front', 'back'];
    const { media, sending } = await open();
    expect(media.snapshot.canSwitchCamera).toBe(true);
    const front = sending.camera;
    await media.switchCamera();
    expect(sending.camera?.deviceId).toBe('back');
    expect(front?.readyState).toBe('ended');
    await media.switchCamera();
    expect(sending.camera?.deviceId).toBe('front');
  });

  it('end where the last of two quick clicks points', async () => {
    const { media } = await open();
    await Promise.all([media.setCamera(false), media.setCamera(true), media.setCamera(false)]);
    expect(media.snapshot.cameraOn).toBe(false);
    expect(devices.opened.filter(({ kind, readyState }) => kind === 'video' && readyState === 'live')).toEqual([]);
  });

  it('leave nothing open when the call ends while the user is being asked', async () => {
    const media = new Media('video');
    const opening = media.start();
    await Promise.resolve();
    media.close();
    await opening;
    expect(devices.opened.length).toBeGreaterThan(0);
    expect(devices.opened.every(({ readyState }) => readyState === 'ended')).toBe(true);
    expect(media.snapshot).toMatchObject({ microphone: null, camera: null, problem: null });
  });
});

describe('the screen', () => {
  it('is shared, and stopped by the browser’s own button', async () => {
    const { media, sending, told } = await open({ video: false });
    await media.setScreen(true);
    expect(media.snapshot.screenOn).toBe(true);
    sending.screen?.unplug();
    await media.setScreen(false); // after what is under way
    expect(media.snapshot).toMatchObject({ screenOn: false, screen: null, problem: null });
    expect(told).toContain('screen off');
  });

  it('is not shared when the user changes their mind', async () => {
    devices.broken.screen = 'NotAllowedError';
    const { media } = await open({ video: false });
    await media.setScreen(true);
    expect(media.snapshot).toMatchObject({ screenOn: false, problem: { device: 'screen', reason: 'cancelled' } });
  });
});
