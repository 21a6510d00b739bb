import MicOffIcon from '@vector-im/compound-design-tokens/assets/web/icons/mic-off-solid';
import OfflineIcon from '@vector-im/compound-design-tokens/assets/web/icons/offline';
import ShareScreenIcon from '@vector-im/compound-design-tokens/assets/web/icons/share-screen-solid';
import SpotlightIcon from '@vector-im/compound-design-tokens/assets/web/icons/spotlight';
import GridIcon from '@vector-im/compound-design-tokens/assets/web/icons/grid';
import type { CallSnapshot, PeerSnapshot } from 'ringback-client';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useCalling } from '../hooks/calling';
import { useSpeaking } from '../hooks/useLevel';
import type { Rect } from '../model/tiles';
import { personName, type Words } from '../model/words';
import { UserAvatar } from './Person';
import styles from './Tile.module.css';
import { looksAtUser, Video } from './Video';

interface TileProps {
  call: CallSnapshot;
  rect: Rect;
  /** Shows this one large, or everybody again; absent where there is nothing to choose. */
  onChoose?: (() => void) | undefined;
  chosen?: boolean;
  /** Small, over the others. */
  floating?: boolean;
  /** Held by a pointer, which it follows at once. */
  moving?: boolean;
}

/** Another device in the call. */
export function PeerTile({ peer, call, rect, onChoose, chosen = false, floating, moving }: TileProps & { peer: PeerSnapshot }) {
  const { t } = useTranslation('call');
  const { people } = useCalling();
  const speaking = useSpeaking(peer.microphoneOn ? peer.audio : null);
  const name = personName(call, peer.userId, people);
  const camera = peer.cameraOn ? peer.camera : null;
  const bare = !camera && call.type === 'voice' && !call.isGroup;
  return (
    <Frame name={name} rect={rect} speaking={speaking} floating={floating} moving={moving} bare={bare}>
      {camera ? (
        <Video stream={camera} box={rect} filling={floating} />
      ) : (
        <Portrait call={call} userId={peer.userId} rect={rect} speaking={speaking} cameraOff={call.type === 'video' && peer.state === 'connected'} />
      )}
      {/* Between two, the whole call is reconnecting, and a hint says so. */}
      <Link peer={peer} name={name} silent={!call.isGroup && call.phase === 'reconnecting'} rect={rect} clear={camera === null} />
      <Label name={name} muted={!peer.microphoneOn} small={rect.width < 140}>
        {camera === null && call.type === 'video' && <span className={styles.hidden}>{t('stage.cameraOff')}</span>}
        {speaking && <span className={styles.hidden}>{t('stage.speaking', { name })}</span>}
      </Label>
      {onChoose && <Choose name={name} chosen={chosen} onChoose={onChoose} />}
    </Frame>
  );
}

/** A screen that somebody shares. */
export function ScreenTile({ peer, call, rect, onChoose, chosen = false }: TileProps & { peer: PeerSnapshot }) {
  const { t } = useTranslation('call');
  const { people } = useCalling();
  const name = t('stage.sharing', { name: personName(call, peer.userId, people) });
  return (
    <Frame name={name} rect={rect} speaking={false}>
      {peer.screen && <Video stream={peer.screen} box={rect} whole />}
      <div className={styles.label}>
        <ShareScreenIcon aria-hidden />
        <span className={styles.name}>{name}</span>
      </div>
      {onChoose && <Choose name={name} chosen={chosen} onChoose={onChoose} />}
    </Frame>
  );
}

/** The user's own picture. */
export function OwnTile({ call, rect, floating, moving }: TileProps) {
  const { t } = useTranslation('call');
  const { client } = useCalling();
  const { local } = call;
  const speaking = useSpeaking(local.microphoneOn ? local.microphone : null);
  const camera = local.cameraOn ? local.camera : null;
  return (
    <Frame name={t('you')} rect={rect} speaking={speaking && !floating} floating={floating} moving={moving}>
      {camera ? (
        <Video stream={camera} box={rect} mirrored={looksAtUser(camera)} filling={call.peers.length === 0 || floating} />
      ) : (
        <Portrait call={call} userId={client.userId} rect={rect} speaking={speaking} cameraOff={false} />
      )}
      <Label name={t('you')} muted={!local.microphoneOn} small={rect.width < 140} />
    </Frame>
  );
}

interface FrameProps {
  name: string;
  rect: Rect;
  speaking: boolean;
  bare?: boolean;
  floating?: boolean | undefined;
  moving?: boolean | undefined;
  children: ReactNode;
}

function Frame({ name, rect, speaking, bare = false, floating = false, moving = false, children }: FrameProps) {
  const { x, y, width, height } = rect;
  return (
    <figure
      aria-label={name}
      className={styles.tile}
      data-speaking={speaking || undefined}
      data-bare={bare || undefined}
      data-floating={floating || undefined}
      data-moving={moving || undefined}
      style={{ transform: `translate(${x}px, ${y}px)`, width, height }}
    >
      {children}
    </figure>
  );
}

function Portrait({ call, userId, rect, speaking, cameraOff }: { call: CallSnapshot; userId: string; rect: Rect; speaking: boolean; cameraOff: boolean }) {
  const { t } = useTranslation('call');
  const size = Math.min(Math.max(Math.min(rect.width, rect.height) * 0.42, 36), 168);
  const room = rect.height > 200 && rect.width > 160;
  return (
    <div className={styles.portrait} aria-hidden>
      <span className={styles.avatar} data-speaking={speaking || undefined}>
        <UserAvatar call={call} userId={userId} size={size} />
      </span>
      {cameraOff && room && <span className={styles.off}>{t('stage.cameraOff')}</span>}
    </div>
  );
}

function Label({ name, muted, small, children }: { name: string; muted: boolean; small: boolean; children?: ReactNode }) {
  const { t } = useTranslation('call');
  return (
    <div className={styles.label} data-small={small || undefined}>
      {muted && (
        <>
          <MicOffIcon aria-hidden className={styles.muted} />
          <span className={styles.hidden}>{t('stage.microphoneOff')}</span>
        </>
      )}
      <span className={styles.name}>{name}</span>
      {children}
    </div>
  );
}

interface LinkProps {
  peer: PeerSnapshot;
  name: string;
  rect: Rect;
  /** Shows no words. */
  silent: boolean;
  /** There is no picture that would have to be covered. */
  clear: boolean;
}

/** How it stands with the connection to a peer: nothing, while all is well. */
function Link({ peer, name, rect, silent, clear }: LinkProps) {
  const { t } = useTranslation('call');
  if (peer.state === 'connected' && peer.quality === 'weak') {
    return (
      <div className={styles.weak}>
        <OfflineIcon aria-hidden />
        <span className={rect.width < 220 ? styles.hidden : undefined}>{t('stage.weak')}</span>
      </div>
    );
  }
  const text = linkText(peer, name, t);
  if (text === null) return null;
  const turning = peer.state === 'connecting' || peer.state === 'reconnecting' || peer.quality === 'reconnecting';
  return (
    <div className={styles.veil} data-clear={clear && rect.height > 260 ? true : undefined}>
      {turning ? <span className={styles.spinner} aria-hidden /> : <OfflineIcon aria-hidden />}
      {!silent && <span>{text}</span>}
    </div>
  );
}

function linkText({ state, quality }: PeerSnapshot, name: string, t: Words): string | null {
  if (state === 'failed') return t('stage.failed', { name });
  if (state === 'connecting') return t('stage.connecting');
  if (state === 'reconnecting' || quality === 'reconnecting') return t('stage.reconnecting');
  return quality === 'lost' ? t('stage.lost') : null;
}

function Choose({ name, chosen, onChoose }: { name: string; chosen: boolean; onChoose: () => void }) {
  const { t } = useTranslation('call');
  const Icon = chosen ? GridIcon : SpotlightIcon;
  return (
    <button type="button" className={styles.choose} aria-label={chosen ? t('stage.showGrid') : t('stage.showLarge', { name })} onClick={onChoose}>
      <span>
        <Icon aria-hidden />
      </span>
    </button>
  );
}
