import type { ComponentType, Ref, SVGAttributes } from 'react';
import styles from './ControlButton.module.css';

export interface ControlProps {
  label: string;
  Icon: ComponentType<SVGAttributes<SVGElement>>;
  onClick: () => void;
  /** `off`: what it stands for is off; `on`: something is on that the user should know of. */
  look?: 'plain' | 'off' | 'on' | 'hang-up' | 'accept';
  size?: 'md' | 'lg' | 'sm';
  /** Opens a dialog. */
  opens?: boolean;
  expanded?: boolean;
  /** Shows the label below, instead of beside the pointer. */
  captioned?: boolean;
  ref?: Ref<HTMLButtonElement>;
  className?: string;
}

/** A round button of a call. Its label stands in a tip, or below it. */
export function ControlButton(props: ControlProps) {
  const { label, Icon, onClick, look = 'plain', size = 'md', opens, expanded, captioned = false, ref, className = '' } = props;
  const icon = (
    <span className={styles.disc} data-look={look} data-size={size}>
      <Icon aria-hidden />
    </span>
  );
  return (
    <button
      ref={ref}
      type="button"
      className={`${styles.button} ${className}`}
      onClick={onClick}
      data-tip={captioned ? undefined : label}
      {...(captioned ? {} : { 'aria-label': label })}
      {...(opens ? { 'aria-haspopup': 'dialog' as const } : {})}
      {...(expanded === undefined ? {} : { 'aria-expanded': expanded })}
    >
      {icon}
      {captioned && <span className={styles.caption}>{label}</span>}
    </button>
  );
}
