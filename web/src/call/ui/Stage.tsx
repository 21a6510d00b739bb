import type { CallSnapshot } from 'ringback-client';
import { type PointerEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSize } from '../hooks/useSize';
import { type Corner, cornerOf, moveCorner, place, type Rect } from '../model/tiles';
import { Hero, StillRinging } from './Hero';
import styles from './Stage.module.css';
import { OwnTile, PeerTile, ScreenTile } from './Tile';

const OWN = 'own';
const NOWHERE: Rect = { x: 0, y: 0, width: 0, height: 0 };
const screenId = (peerId: string) => `${peerId}|screen`;

interface Offset {
  x: number;
  y: number;
}

/** The pictures of a call. */
export function Stage({ call }: { call: CallSnapshot }) {
  const stage = useRef<HTMLDivElement>(null);
  const box = useSize(stage);
  const [chosen, setChosen] = useState<string | null>(null);
  const [swapped, setSwapped] = useState(false);
  const [corner, setCorner] = useState<Corner>('bottom-right');
  const [drag, setDrag] = useState<Offset | null>(null);
  const { peers, local } = call;

  const sharing = peers.filter(({ screenOn, screen }) => screenOn && screen);
  const screens = sharing.map(({ id }) => screenId(id));
  const ownCamera = local.cameraOn && local.camera !== null;
  // Alone with one other, the own picture is small; in a group it is one of all.
  const showsOwn = peers.length > 1 || ownCamera;
  const tiles = [...peers.map(({ id }) => id), ...(showsOwn ? [OWN] : []), ...screens];
  const floating = peers.length === 1 && ownCamera && screens.length === 0 ? (swapped ? (peers[0]?.id ?? OWN) : OWN) : null;
  const main = floating ? null : chosen !== null && tiles.includes(chosen) ? chosen : (screens[0] ?? null);
  const rects = place({ box, tiles, main, small: floating ? { id: floating, corner } : null });
  const rect = (id: string): Rect => {
    const at = rects.get(id) ?? NOWHERE;
    return id === floating && drag ? { ...at, x: at.x + drag.x, y: at.y + drag.y } : at;
  };
  const frame = (id: string) => ({
    call,
    rect: rect(id),
    floating: id === floating,
    moving: id === floating && drag !== null,
    onChoose: tiles.length > 2 ? () => setChosen(chosen === id ? null : id) : undefined,
    chosen: chosen === id,
  });
  const drop = () => {
    if (!floating || !drag) return;
    const { x, y, width, height } = rect(floating);
    setCorner(cornerOf(box, x + width / 2, y + height / 2));
    setDrag(null);
  };
  return (
    <div className={styles.frame}>
      <div ref={stage} className={styles.stage}>
        {box.width > 0 && (
          <>
            {peers.map((peer) => (
              <PeerTile key={peer.id} peer={peer} {...frame(peer.id)} />
            ))}
            {sharing.map((peer) => (
              <ScreenTile key={screenId(peer.id)} peer={peer} {...frame(screenId(peer.id))} />
            ))}
            {showsOwn && <OwnTile {...frame(OWN)} />}
            {floating && (
              <Grip rect={rect(floating)} onTap={() => setSwapped(!swapped)} onDrag={setDrag} onDrop={drop} onKey={(key) => setCorner(moveCorner(corner, key))} />
            )}
          </>
        )}
        {peers.length === 0 && <Hero call={call} veiled={ownCamera} />}
      </div>
      {peers.length > 0 && <StillRinging call={call} />}
    </div>
  );
}

interface GripProps {
  rect: Rect;
  onTap: () => void;
  onDrag: (offset: Offset) => void;
  onDrop: () => void;
  onKey: (key: string) => void;
}

/** What one takes hold of to move the small picture; a tap swaps it with the large one. */
function Grip({ rect: { x, y, width, height }, onTap, onDrag, onDrop, onKey }: GripProps) {
  const { t } = useTranslation('call');
  const start = useRef<Offset | null>(null);
  const dragged = useRef(false);
  const down = (event: PointerEvent<HTMLButtonElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    start.current = { x: event.clientX, y: event.clientY };
    dragged.current = false;
  };
  const move = (event: PointerEvent) => {
    if (!start.current) return;
    const offset = { x: event.clientX - start.current.x, y: event.clientY - start.current.y };
    // A finger trembles.
    if (Math.hypot(offset.x, offset.y) > 6) dragged.current = true;
    if (dragged.current) onDrag(offset);
  };
  const up = () => {
    start.current = null;
    onDrop();
  };
  return (
    <button
      type="button"
      aria-label={t('stage.swap')}
      className={styles.grip}
      style={{ transform: `translate(${x}px, ${y}px)`, width, height }}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
      onClick={() => {
        if (!dragged.current) onTap();
        dragged.current = false;
      }}
      onKeyDown={(event) => {
        if (!event.key.startsWith('Arrow')) return;
        event.preventDefault();
        onKey(event.key);
      }}
    />
  );
}
