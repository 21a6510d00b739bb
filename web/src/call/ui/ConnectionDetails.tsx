import type { CallSnapshot, PeerSnapshot, QualityNumbers } from 'ringback-client';
import { useTranslation } from 'react-i18next';
import { useCalling } from '../hooks/calling';
import { personName, type Words } from '../model/words';
import styles from './Dialogs.module.css';
import { Modal } from './Modal';
import { UserAvatar } from './Person';

/** The numbers behind «good» and «weak», for each of the others. */
export function ConnectionDetails({ call, onClose }: { call: CallSnapshot; onClose: () => void }) {
  const { t } = useTranslation('call');
  return (
    <Modal title={t('details.title')} closeLabel={t('details.close')} onClose={onClose}>
      {call.peers.length === 0 && <p className={styles.plain}>{t('details.none')}</p>}
      {call.peers.map((peer) => (
        <Peer key={peer.id} call={call} peer={peer} />
      ))}
    </Modal>
  );
}

function Peer({ call, peer }: { call: CallSnapshot; peer: PeerSnapshot }) {
  const { t, i18n } = useTranslation('call');
  const { people } = useCalling();
  const name = personName(call, peer.userId, people);
  const quality = { good: t('details.good'), weak: t('details.weak'), lost: t('details.lost'), reconnecting: t('details.reconnecting'), unknown: t('details.unknown') };
  return (
    <section className={styles.peer} aria-label={name}>
      <h3 className={styles.peerName}>
        <UserAvatar call={call} userId={peer.userId} size={32} />
        <span>{name}</span>
        <span className={styles.quality} data-quality={peer.quality}>
          {quality[peer.quality]}
        </span>
      </h3>
      {peer.numbers ? (
        <dl className={styles.numbers}>
          {rows(peer.numbers, t, i18n.language).map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      ) : (
        <p className={styles.plain}>{t('details.noNumbers')}</p>
      )}
    </section>
  );
}

function rows(numbers: QualityNumbers, t: Words, language: string): [label: string, value: string][] {
  const whole = (value: number) => Math.round(value).toLocaleString(language);
  const { rttMs, lossPercent, jitterMs, width, height, framesPerSecond, localCandidate, remoteCandidate, protocol } = numbers;
  const found: [string, string | null][] = [
    [t('details.rtt'), rttMs === null ? null : t('details.ms', { value: whole(rttMs) })],
    [t('details.loss'), lossPercent === null ? null : t('details.percent', { value: lossPercent.toLocaleString(language, { maximumFractionDigits: 1 }) })],
    [t('details.jitter'), jitterMs === null ? null : t('details.ms', { value: whole(jitterMs) })],
    [t('details.receive'), t('details.kbps', { value: whole(numbers.receiveKbps) })],
    [t('details.send'), t('details.kbps', { value: whole(numbers.sendKbps) })],
    [t('details.picture'), width === null || height === null ? null : t('details.pictureValue', { width, height, fps: whole(framesPerSecond ?? 0) })],
    [t('details.path'), path(localCandidate, remoteCandidate, protocol, t)],
  ];
  return found.filter((row): row is [string, string] => row[1] !== null);
}

/** A relay at either end carries all of it. */
function path(local: string | null, remote: string | null, protocol: string | null, t: Words): string | null {
  if (local === null) return null;
  const by = { protocol: (protocol ?? '').toUpperCase() };
  return local === 'relay' || remote === 'relay' ? t('details.relay', by) : t('details.direct', by);
}
